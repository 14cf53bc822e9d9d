"""How what workers say of activities becomes tasks: each activity has one, however often it is told of, and in which order."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db.models import Q

from apps.executions.models import MAX_ERROR, MAX_LOG, Execution, ExecutionEvent, TaskExecution
from apps.executions.shared import TaskRecord

PENDING = TaskExecution.Status.PENDING
FIELDS = (
    "status", "scheduled_at", "started_at", "completed_at", "tries", "output", "error", "log",
    "progress_done", "progress_total", "progress_message",
)  # fmt: skip

type Key = tuple[str, str, str]


def write(executions: Mapping[str, Execution], records: Sequence[TaskRecord]) -> None:
    """Store what records say, in the order of their schedules and tries. `executions` are locked, by workflow id."""
    stored = _stored(executions.values(), records)
    planned = _planned(executions.values())
    upserts: dict[Key, TaskExecution] = {}
    taken: dict[Key, TaskExecution] = {}
    for each in records:
        task = upserts.get(each.key) or taken.get(each.key)
        if task is None:
            execution = executions[each.workflow_id]
            if before := stored.get(each.key):
                upserts[each.key] = task = _copy(before)
            elif waiting := planned.get((execution.pk, each.name)):
                taken[each.key] = task = waiting.pop(0)
            else:
                upserts[each.key] = task = TaskExecution(execution=execution, name=each.name, attempt=execution.attempt)
        _tell(task, each)
    for task in taken.values():
        task.save()
    TaskExecution.objects.bulk_create(
        upserts.values(), update_conflicts=True, unique_fields=["execution", "run_id", "activity_id"], update_fields=FIELDS
    )
    _drop_carried(executions, records)


def _stored(executions: Iterable[Execution], records: Sequence[TaskRecord]) -> dict[Key, TaskExecution]:
    """The tasks that activities have already, by activity."""
    names = {execution.pk: execution.temporal_workflow_id for execution in executions}
    found = TaskExecution.objects.filter(
        execution__in=names, run_id__in={each.run_id for each in records}, activity_id__in={each.activity_id for each in records}
    )
    return {(names[task.execution_id], task.run_id, task.activity_id): task for task in found.order_by()}


def _planned(executions: Iterable[Execution]) -> dict[tuple[object, str], list[TaskExecution]]:
    """Tasks that still wait for their activity, by execution and name."""
    waiting: dict[tuple[object, str], list[TaskExecution]] = {}
    if with_plan := [execution.pk for execution in executions if execution.has_plan]:
        for task in TaskExecution.objects.filter(execution__in=with_plan, status=PENDING, run_id="").order_by("position"):
            waiting.setdefault((task.execution_id, task.name), []).append(task)
    return waiting


def _copy(task: TaskExecution) -> TaskExecution:
    """The same task, to be inserted over itself: many at once cost one statement."""
    task.pk, task._state.adding = None, True
    return task


def _tell(task: TaskExecution, each: TaskRecord) -> None:
    """Give a task what a record says. Of a try that another one has followed, it keeps what that try left."""
    if task.started_at and each.started_at < task.started_at:
        _add_earlier(task, each)
        return
    if task.started_at and task.started_at < each.started_at:
        task.tries = [*task.tries, _try(task.started_at, task.completed_at or each.started_at, task.error)]
    # What a history tells has no lines.
    task.log = _joined(task.log, each.log) if each.number > 1 else each.log or task.log
    task.run_id, task.activity_id, task.status = each.run_id, each.activity_id, each.status
    task.scheduled_at, task.started_at, task.completed_at = each.scheduled_at, each.started_at, each.completed_at
    task.output, task.error = each.output, each.error[:MAX_ERROR]
    if each.progress:
        task.progress_done, task.progress_total, task.progress_message = each.progress


def _add_earlier(task: TaskExecution, each: TaskRecord) -> None:
    """Add a try that a task does not know. What it knows of a try stays: one that was given up may end much later."""
    assert task.started_at is not None
    late = _try(each.started_at, each.completed_at or task.started_at, each.error[:MAX_ERROR])
    if late["started_at"] not in {known["started_at"] for known in task.tries}:
        task.tries = sorted([*task.tries, late], key=lambda known: known["started_at"])
        task.log = _joined(each.log, task.log)


def _try(started_at: datetime, completed_at: datetime, error: str) -> dict[str, str]:
    began, ended = (moment.isoformat(timespec="milliseconds") for moment in (started_at, completed_at))
    return {"started_at": began, "completed_at": ended, "error": error}


def _joined(earlier: Sequence[str], later: Sequence[str]) -> list[str]:
    """The last lines of both, those that both have once."""
    known = set(earlier)
    return [*earlier, *(line for line in later if line not in known)][-MAX_LOG:]


def _drop_carried(executions: Mapping[str, Execution], records: Sequence[TaskRecord]) -> None:
    """What was taken over from an earlier attempt and is done again after all, by a run that was not reset itself."""
    again = {execution.pk for execution in executions.values() if execution.attempt > 1}
    if not again:
        return
    resets = ExecutionEvent.objects.filter(execution__in=again, action="reset")
    before = set(resets.values_list("execution_id", "run_id"))
    done: dict[object, set[str]] = {}
    for each in records:
        execution = executions[each.workflow_id]
        if execution.pk in again and (execution.pk, each.run_id) not in before:
            done.setdefault(execution.pk, set()).add(each.activity_id)
    if not done:
        return
    own = Q(pk__in=[])
    for pk, activity_ids in done.items():
        own |= Q(execution=pk, activity_id__in=activity_ids)
    TaskExecution.objects.filter(own, of_this_attempt(executions.values()), carried=True).delete()


def of_this_attempt(executions: Iterable[Execution]) -> Q:
    """The tasks of each execution's present attempt."""
    by_attempt: dict[int, list[object]] = {}
    for execution in executions:
        by_attempt.setdefault(execution.attempt, []).append(execution.pk)
    wanted = Q(pk__in=[])
    for attempt, keys in by_attempt.items():
        wanted |= Q(attempt=attempt, execution__in=keys)
    return wanted
