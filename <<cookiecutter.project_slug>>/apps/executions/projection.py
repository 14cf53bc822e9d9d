"""The only writer of executions and their tasks. Whatever it is told twice, or late, or not at all, the rows end up right.

Each public function is one transaction, or part of its caller's, on executions that it locks in the order of their keys.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from apps.executions import states
from apps.executions.events import effects_wanted_again, status_changed
from apps.executions.models import MAX_ERROR, MAX_LOG, Actor, Execution, ExecutionEvent, TaskExecution
from apps.executions.shared import Report, TaskRecord

Status, TaskStatus = Execution.Status, TaskExecution.Status
DONE = (TaskStatus.SUCCESS, TaskStatus.FAILED, TaskStatus.SKIPPED, TaskStatus.CANCELED)
AT_WORK = (TaskStatus.RUNNING, TaskStatus.WAITING)
# What becomes of tasks that an execution leaves behind: planned ones, and those at work.
LEFT: Mapping[str, tuple[str, str]] = {
    Status.COMPLETED: (TaskStatus.SKIPPED, TaskStatus.CANCELED),
    Status.FAILED: (TaskStatus.SKIPPED, TaskStatus.FAILED),
    Status.TIMED_OUT: (TaskStatus.SKIPPED, TaskStatus.FAILED),
    Status.CANCELED: (TaskStatus.CANCELED, TaskStatus.CANCELED),
    Status.TERMINATED: (TaskStatus.CANCELED, TaskStatus.CANCELED),
}
KEPT = ("status", "scheduled_at", "started_at", "completed_at", "tries", "output", "error", "log")
PROGRESS = ("progress_done", "progress_total", "progress_message")
STORED = (
    "status", "result", "error_message", "current_step", "attempt", "activities", "tasks_done", "tasks_total", "temporal_run_id",
    "revision", "start_requested_at", "cancel_requested_at", "started_at", "completed_at", "updated_at", "reconciled_at",
)  # fmt: skip


def change(
    execution: Execution,
    status: str,
    action: str,
    *,
    by: str,
    user: Actor = None,
    reason: str = "",
    at: datetime | None = None,
    by_reset: bool = False,
) -> None:
    """Give a locked execution another status, note who did it and tell who listens. Raises IllegalTransition."""
    _apply(execution, status, action, by=by, user=user, reason=reason, at=at, by_reset=by_reset)
    store([execution])


def note(execution: Execution, action: str, *, by: str, user: Actor = None, reason: str = "") -> None:
    """Note what was asked of a locked execution, and store what the caller set."""
    _audit(execution, action, by=by, user=user, before=execution.status, reason=reason)
    store([execution])


def store(executions: Collection[Execution]) -> None:
    """Store locked executions as new revisions, with their tasks counted."""
    tasks = TaskExecution.objects.filter(_of_this_attempt(executions)).values_list("execution").order_by()
    counted = tasks.annotate(done=Count("pk", filter=Q(status__in=DONE)), total=Count("pk"))
    counts = {pk: (done, total) for pk, done, total in counted}
    for execution in executions:
        execution.tasks_done, execution.tasks_total = counts.get(execution.pk, (0, 0))
        execution.revision += 1
        execution.updated_at = timezone.now()
    Execution.objects.bulk_update(executions, STORED)


def locked(execution: Execution) -> Execution:
    """The same row as it is now, locked until the transaction ends."""
    return Execution.objects.select_for_update().get(pk=execution.pk)


def begin_attempt(
    execution: Execution, *, user: Actor = None, by: str = "user", reason: str, keep_done: bool, repeat_effects: bool = False
) -> None:
    """Send a locked, closed execution back to work. `keep_done` takes what succeeded over to the new attempt."""
    kept = list(execution.tasks.filter(attempt=execution.attempt, status=TaskStatus.SUCCESS)) if keep_done else []
    # The trail names the run that was, which from now on has no say.
    _apply(execution, Status.RUNNING, "reset", by=by, user=user, reason=reason, by_reset=True)
    execution.attempt += 1
    execution.error_message, execution.result, execution.activities, execution.cancel_requested_at = "", None, None, None
    for task in kept:
        task.pk, task._state.adding, task.run_id = None, True, f"attempt {execution.attempt}"
        task.attempt, task.carried = execution.attempt, True
    TaskExecution.objects.bulk_create(kept)
    store([execution])
    if repeat_effects:
        effects_wanted_again.send(Execution, execution=execution)


@transaction.atomic
def finish(workflow_id: str, workflow: str, run_id: str, report: Report) -> None:
    """Record how a run ended, as its workflow says. One that was reset meanwhile has no say any more."""
    execution = _locked({workflow_id: workflow})[workflow_id]
    if execution.status in states.CLOSED or _is_superseded(execution, run_id):
        return
    execution.temporal_run_id = run_id
    execution.result, execution.error_message = report.result, report.error[:MAX_ERROR]
    execution.activities = report.activities
    change(execution, report.status, report.status, by="workflow", reason=report.error[:MAX_ERROR])


@transaction.atomic
def record(records: Sequence[TaskRecord]) -> None:
    """Store what workers say of activities, the newest of each last."""
    latest = sorted({each.key: each for each in records}.values(), key=lambda each: each.scheduled_at)
    executions = _locked({each.workflow_id: each.workflow for each in latest})
    planned, seen = _planned(executions.values(), latest)
    upserts = []
    for each in latest:
        execution = executions[each.workflow_id]
        _begin(execution, each)
        task = None if each.key in seen else _take(planned, execution, each.name)
        if task is None:
            upserts.append(_filled(TaskExecution(execution=execution, name=each.name, attempt=execution.attempt), each))
        else:
            _filled(task, each).save()
    _add_earlier_tries(upserts, latest)
    TaskExecution.objects.bulk_create(
        upserts, update_conflicts=True, unique_fields=["execution", "run_id", "activity_id"], update_fields=[*KEPT, *PROGRESS]
    )
    _drop_carried(executions.values(), latest)
    store(executions.values())


@transaction.atomic
def complete(execution: Execution, records: Sequence[TaskRecord]) -> bool:
    """Add what a history knows and the rows do not. Gives whether there was any."""
    execution = locked(execution)
    known = dict(execution.tasks.filter(run_id=execution.temporal_run_id).values_list("activity_id", "status"))
    missing = [each for each in records if known.get(each.activity_id) != each.status]
    execution.activities = len(records)
    store([execution])
    if missing:
        record(missing)
    return bool(missing)


def _apply(
    execution: Execution, status: str, action: str, *, by: str, user: Actor = None, reason: str = "", at: datetime | None = None,
    by_reset: bool = False,
) -> None:  # fmt: skip
    before, moment = execution.status, at or timezone.now()
    states.check(before, status, by_reset=by_reset)
    execution.status = status
    if status in states.CLOSED:
        execution.completed_at, execution.current_step = moment, ""
        planned, at_work = LEFT[status]
        execution.tasks.filter(status=TaskStatus.PENDING).update(status=planned)
        if execution.tasks.filter(status__in=AT_WORK).update(status=at_work, completed_at=moment):
            # Given up, or their worker died before it could say more: the history knows.
            execution.activities = None
    elif status == Status.RUNNING:
        execution.started_at, execution.completed_at = execution.started_at or moment, None
    event = _audit(execution, action, by=by, user=user, before=before, reason=reason)
    status_changed.send(Execution, execution=execution, event=event)


def _audit(execution: Execution, action: str, *, by: str, user: Actor, before: str, reason: str) -> ExecutionEvent:
    return ExecutionEvent.objects.create(
        execution=execution,
        action=action,
        by=by,
        user=user,
        before=before,
        after=execution.status,
        reason=reason,
        attempt=execution.attempt,
        run_id=execution.temporal_run_id,
    )


def _locked(wanted: Mapping[str, str]) -> dict[str, Execution]:
    """Executions by workflow id, locked. Those that nobody here started get their rows now."""
    found = _lock(wanted)
    if missing := wanted.keys() - found.keys():
        Execution.objects.bulk_create(
            (
                Execution(
                    workflow=wanted[workflow_id],
                    temporal_workflow_id=workflow_id,
                    trigger=Execution.Trigger.OUTSIDE,
                    start_requested_at=timezone.now(),
                )
                for workflow_id in sorted(missing)
            ),
            ignore_conflicts=True,
        )
        found = _lock(wanted)
    return found


def _lock(wanted: Iterable[str]) -> dict[str, Execution]:
    rows = Execution.objects.select_for_update().filter(temporal_workflow_id__in=list(wanted)).order_by("pk")
    return {execution.temporal_workflow_id: execution for execution in rows}


def _begin(execution: Execution, each: TaskRecord) -> None:
    if not execution.is_open or _is_superseded(execution, each.run_id):
        return
    execution.temporal_run_id = each.run_id
    if each.status == TaskStatus.RUNNING or not execution.current_step:
        execution.current_step = each.name
    if execution.status == Status.PENDING:
        _apply(execution, Status.RUNNING, "started", by="workflow", at=each.scheduled_at)


def _is_superseded(execution: Execution, run_id: str) -> bool:
    """Whether that run was reset, so that another one speaks for the execution."""
    return execution.attempt > 1 and execution.events.filter(action="reset", run_id=run_id).exists()


def _planned(
    executions: Iterable[Execution], records: Iterable[TaskRecord]
) -> tuple[dict[tuple[object, str], list[TaskExecution]], set[tuple[str, str, str]]]:
    """Tasks that still wait for their activity, by execution and name; and the activities that have found theirs."""
    waiting: dict[tuple[object, str], list[TaskExecution]] = {}
    rows = TaskExecution.objects.filter(execution__in=executions, status=TaskStatus.PENDING, run_id="").order_by("position")
    for task in rows:
        waiting.setdefault((task.execution_id, task.name), []).append(task)
    if not waiting:
        return waiting, set()
    known = TaskExecution.objects.filter(
        execution__in={pk for pk, _ in waiting}, run_id__in={each.run_id for each in records}
    ).values_list("execution__temporal_workflow_id", "run_id", "activity_id")
    return waiting, set(known)


def _take(planned: dict[tuple[object, str], list[TaskExecution]], execution: Execution, name: str) -> TaskExecution | None:
    waiting = planned.get((execution.pk, name))
    return waiting.pop(0) if waiting else None


def _filled(task: TaskExecution, each: TaskRecord) -> TaskExecution:
    task.run_id, task.activity_id, task.status = each.run_id, each.activity_id, each.status
    task.scheduled_at, task.started_at, task.completed_at = each.scheduled_at, each.started_at, each.completed_at
    task.output, task.error, task.log = each.output, each.error[:MAX_ERROR], each.log
    if each.progress:
        task.progress_done, task.progress_total, task.progress_message = each.progress
    return task


def _add_earlier_tries(tasks: Sequence[TaskExecution], records: Iterable[TaskRecord]) -> None:
    """A retried activity keeps what its earlier tries left: when they ran, why they failed, what they logged."""
    retried = {each.key: each for each in records if each.number > 1}
    if not retried:
        return
    known = {
        (task.execution.temporal_workflow_id, task.run_id, task.activity_id): task
        for task in TaskExecution.objects.select_related("execution").filter(
            execution__temporal_workflow_id__in={key[0] for key in retried}, activity_id__in={key[2] for key in retried}
        )
    }
    for task in tasks:
        key = (task.execution.temporal_workflow_id, task.run_id, task.activity_id)
        if key in retried and (before := known.get(key)):
            task.tries = _tries(before, retried[key])
            task.log = [*before.log, *(line for line in task.log if line not in before.log)][-MAX_LOG:]


def _tries(before: TaskExecution, each: TaskRecord) -> list[dict[str, object]]:
    """The tries before the one that `each` is of: `before` tells of the last of them, or of an earlier moment of the same."""
    if before.started_at is None or before.started_at >= each.started_at:
        return before.tries  # type: ignore[no-any-return]  # a JSON field
    ended = before.completed_at or each.started_at
    return [*before.tries, {"started_at": before.started_at, "completed_at": ended, "error": before.error}]


def _drop_carried(executions: Iterable[Execution], records: Iterable[TaskRecord]) -> None:
    """What was taken over from an earlier attempt and is done again after all."""
    again = [execution for execution in executions if execution.attempt > 1]
    if again:
        ids = {each.activity_id for each in records}
        TaskExecution.objects.filter(_of_this_attempt(again), carried=True, activity_id__in=ids).delete()


def _of_this_attempt(executions: Iterable[Execution]) -> Q:
    by_attempt: dict[int, list[object]] = {}
    for execution in executions:
        by_attempt.setdefault(execution.attempt, []).append(execution.pk)
    wanted = Q(pk__in=[])
    for attempt, keys in by_attempt.items():
        wanted |= Q(attempt=attempt, execution__in=keys)
    return wanted
