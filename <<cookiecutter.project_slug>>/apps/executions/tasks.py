"""How what workers say of activities becomes tasks: each activity has one, however often it is told of."""

from collections.abc import Iterable, Mapping, Sequence

from django.db.models import Q

from apps.executions.models import MAX_ERROR, MAX_LOG, Execution, TaskExecution
from apps.executions.shared import TaskRecord

PENDING = TaskExecution.Status.PENDING
FIELDS = (
    "status", "scheduled_at", "started_at", "completed_at", "tries", "output", "error", "log",
    "progress_done", "progress_total", "progress_message",
)  # fmt: skip


def write(executions: Mapping[str, Execution], records: Sequence[TaskRecord]) -> None:
    """Store one record for each activity, in the order of their schedules. `executions` are locked, by workflow id."""
    planned, seen = _planned(executions.values(), records)
    upserts = []
    for each in records:
        execution = executions[each.workflow_id]
        task = None if each.key in seen else _take(planned, execution, each.name)
        if task is None:
            upserts.append(_filled(TaskExecution(execution=execution, name=each.name, attempt=execution.attempt), each))
        else:
            _filled(task, each).save()
    _add_earlier_tries(upserts, records)
    TaskExecution.objects.bulk_create(
        upserts, update_conflicts=True, unique_fields=["execution", "run_id", "activity_id"], update_fields=FIELDS
    )
    _drop_carried(executions.values(), records)


def _planned(
    executions: Iterable[Execution], records: Iterable[TaskRecord]
) -> tuple[dict[tuple[object, str], list[TaskExecution]], set[tuple[str, str, str]]]:
    """Tasks that still wait for their activity, by execution and name; and the activities that have found theirs."""
    waiting: dict[tuple[object, str], list[TaskExecution]] = {}
    with_plan = [execution.pk for execution in executions if execution.has_plan]
    if not with_plan:
        return waiting, set()
    for task in TaskExecution.objects.filter(execution__in=with_plan, status=PENDING, run_id="").order_by("position"):
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
        TaskExecution.objects.filter(of_this_attempt(again), carried=True, activity_id__in=ids).delete()


def of_this_attempt(executions: Iterable[Execution]) -> Q:
    """The tasks of each execution's present attempt."""
    by_attempt: dict[int, list[object]] = {}
    for execution in executions:
        by_attempt.setdefault(execution.attempt, []).append(execution.pk)
    wanted = Q(pk__in=[])
    for attempt, keys in by_attempt.items():
        wanted |= Q(attempt=attempt, execution__in=keys)
    return wanted
