"""The only writer of executions and their tasks. Whatever it is told twice, or late, or not at all, the rows end up right.

Each public function is one transaction, or part of its caller's, on executions that it locks in the order of their keys.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Case, Count, Q, Value, When
from django.utils import timezone

from apps.executions import states, tasks
from apps.executions.events import effects_wanted_again, status_changed
from apps.executions.models import MAX_ERROR, Actor, Execution, ExecutionEvent, TaskExecution
from apps.executions.shared import End, Report, TaskRecord

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
STORED = (
    "status", "result", "error_message", "current_step", "attempt", "activities", "tasks_done", "tasks_total", "temporal_run_id",
    "revision", "start_requested_at", "cancel_requested_at", "started_at", "completed_at", "updated_at",
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
    event = _apply(execution, status, action, by=by, user=user, reason=reason, at=at, by_reset=by_reset)
    store([execution], [event])


def note(execution: Execution, action: str, *, by: str, user: Actor = None, reason: str = "") -> None:
    """Note what was asked of a locked execution, and store what the caller set."""
    store([execution], [_line(execution, action, by=by, user=user, before=execution.status, reason=reason)])


@transaction.atomic
def arrive(execution: Execution, step: str, run_id: str) -> None:
    """Note the step that a run is at, for workflows whose steps are more than activities."""
    execution = locked(execution)
    if not execution.is_open or is_superseded(execution, run_id):
        return
    execution.current_step, execution.temporal_run_id = step, run_id
    if execution.status == Status.PENDING:
        change(execution, Status.RUNNING, "started", by="workflow")
    else:
        store([execution])


def pause(execution: Execution, *, reason: str) -> None:
    """Note that a locked execution waits for somebody. It may not have been said yet that it runs."""
    if execution.status == Status.PENDING:
        change(execution, Status.RUNNING, "started", by="workflow")
    if execution.status == Status.RUNNING:
        change(execution, Status.PAUSED, "paused", by="workflow", reason=reason)


def resume(execution: Execution, *, user: Actor = None, reason: str) -> None:
    """Note that a locked execution goes on, if it is paused."""
    if execution.status == Status.PAUSED:
        change(execution, Status.RUNNING, "resumed", by="user" if user else "workflow", user=user, reason=reason)


def store(executions: Collection[Execution], events: Sequence[ExecutionEvent] = ()) -> None:
    """Store locked executions as new revisions, their tasks counted, with lines of the audit trail; then tell who listens."""
    present = TaskExecution.objects.filter(tasks.of_this_attempt(executions)).values_list("execution").order_by()
    counted = present.annotate(done=Count("pk", filter=Q(status__in=DONE)), total=Count("pk"))
    counts = {pk: (done, total) for pk, done, total in counted}
    for execution in executions:
        execution.tasks_done, execution.tasks_total = counts.get(execution.pk, (0, 0))
        if execution.status in states.CLOSED and execution.tasks_done < execution.tasks_total:
            _leave_tasks(execution)
        execution.revision += 1
    # All are there already: it is how many rows are updated by one statement.
    Execution.objects.bulk_create(executions, update_conflicts=True, unique_fields=["id"], update_fields=STORED)
    for event in ExecutionEvent.objects.bulk_create(events):
        if event.before != event.after:
            status_changed.send(Execution, execution=event.execution, event=event)


def locked(execution: Execution) -> Execution:
    """The same row as it is now, locked until the transaction ends."""
    return Execution.objects.select_for_update().get(pk=execution.pk)


def begin_attempt(
    execution: Execution,
    *,
    user: Actor = None,
    by: str = "user",
    reason: str,
    keep_done: bool,
    repeat_effects: bool = False,
    run_id: str = "",
) -> None:
    """Send a locked, closed execution back to work. `keep_done` takes what succeeded over to the new attempt.

    `run_id` is its new run, where that is known. What was planned and is not taken over is planned again.
    """
    before = list(execution.tasks.filter(attempt=execution.attempt))
    kept = [task for task in before if keep_done and task.status == TaskStatus.SUCCESS]
    planned = [task for task in before if task.position and task not in kept]
    # The trail names the run that was, which from now on has no say.
    event = _apply(execution, Status.RUNNING, "reset", by=by, user=user, reason=reason, by_reset=True)
    execution.attempt += 1
    execution.temporal_run_id = run_id or execution.temporal_run_id
    execution.error_message, execution.result, execution.activities, execution.cancel_requested_at = "", None, None, None
    for task in kept:
        # Two runs of one attempt, the second of which continues the first, may both have an activity of that id.
        task.run_id = f"attempt {execution.attempt} {task.run_id.rpartition(' ')[2]}"
        task.pk, task._state.adding = None, True
        task.attempt, task.carried = execution.attempt, True
    again = [
        TaskExecution(
            execution=execution,
            name=task.name,
            attempt=execution.attempt,
            position=task.position,
            activity_id=f"planned-{execution.attempt}-{task.position}",
        )
        for task in planned
    ]
    TaskExecution.objects.bulk_create([*kept, *again])
    store([execution], [event])
    if repeat_effects:
        effects_wanted_again.send(Execution, execution=execution)


@transaction.atomic
def record(records: Sequence[TaskRecord], ends: Sequence[End] = ()) -> None:
    """Store what workers say of activities, the newest of each try last, and what workflows say of how their runs ended.

    A run that was reset meanwhile has no say any more.
    """
    wanted = {each.workflow_id: each.workflow for each in records} | {end.workflow_id: end.workflow for end in ends}
    executions = locked_by_id(wanted)
    events = _write(executions, records)
    for end in ends:
        events += _finish(executions[end.workflow_id], end.run_id, end.report)
    store(executions.values(), events)


@transaction.atomic
def complete(execution: Execution, records: Sequence[TaskRecord]) -> bool:
    """Add what a history knows and the rows do not. Gives whether there was any."""
    execution = locked(execution)
    known = dict(execution.tasks.filter(run_id=execution.temporal_run_id).values_list("activity_id", "status"))
    missing = [each for each in records if known.get(each.activity_id) != each.status]
    execution.activities = len(records)
    store([execution], _write({execution.temporal_workflow_id: execution}, missing))
    return bool(missing)


def _apply(
    execution: Execution, status: str, action: str, *, by: str, user: Actor = None, reason: str = "", at: datetime | None = None,
    by_reset: bool = False,
) -> ExecutionEvent:  # fmt: skip
    before, moment = execution.status, at or timezone.now()
    states.check(before, status, by_reset=by_reset)
    execution.status = status
    if status in states.CLOSED:
        execution.completed_at, execution.current_step = moment, ""
    elif status == Status.RUNNING:
        # An attempt takes its own time: how long nobody tried again is none of it.
        began = None if by_reset else execution.started_at
        execution.started_at, execution.completed_at = began or moment, None
    return _line(execution, action, by=by, user=user, before=before, reason=reason)


def _leave_tasks(execution: Execution) -> None:
    """Give what a closed execution never began, or gave up, a state that it stays in."""
    planned, at_work = LEFT[execution.status]
    execution.tasks.filter(status__in=(TaskStatus.PENDING, *AT_WORK)).update(
        completed_at=Case(When(status=TaskStatus.PENDING, then=None), default=execution.completed_at),
        status=Case(When(status=TaskStatus.PENDING, then=Value(planned)), default=Value(at_work)),
    )
    execution.tasks_done = execution.tasks_total
    # Or their worker died before it could say more: the history knows.
    execution.activities = None


def _line(execution: Execution, action: str, *, by: str, user: Actor, before: str, reason: str) -> ExecutionEvent:
    return ExecutionEvent(
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


def locked_by_id(wanted: Mapping[str, str]) -> dict[str, Execution]:
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


def _write(executions: Mapping[str, Execution], records: Sequence[TaskRecord]) -> list[ExecutionEvent]:
    latest = sorted({each.try_key: each for each in records}.values(), key=lambda each: (each.scheduled_at, each.number))
    events = [event for each in latest for event in _begin(executions[each.workflow_id], each)]
    if latest:
        tasks.write(executions, latest)
    return events


def _begin(execution: Execution, each: TaskRecord) -> list[ExecutionEvent]:
    if not execution.is_open or is_superseded(execution, each.run_id):
        return []
    execution.temporal_run_id = each.run_id
    if each.status == TaskStatus.RUNNING or not execution.current_step:
        execution.current_step = each.name
    if execution.status != Status.PENDING:
        return []
    return [_apply(execution, Status.RUNNING, "started", by="workflow", at=each.scheduled_at)]


def _finish(execution: Execution, run_id: str, report: Report) -> list[ExecutionEvent]:
    if execution.status in states.CLOSED or is_superseded(execution, run_id):
        return []
    execution.temporal_run_id = run_id
    execution.result, execution.error_message = report.result, report.error[:MAX_ERROR]
    execution.activities = report.activities
    events = []
    if execution.status == Status.PENDING:
        # It had no activity that would have said so.
        events.append(_apply(execution, Status.RUNNING, "started", by="workflow", at=report.started_at))
    return [*events, _apply(execution, report.status, report.status, by="workflow", reason=report.error[:MAX_ERROR])]


def is_superseded(execution: Execution, run_id: str) -> bool:
    """Whether that run was reset, so that another one speaks for the execution."""
    return execution.attempt > 1 and execution.events.filter(action="reset", run_id=run_id).exists()
