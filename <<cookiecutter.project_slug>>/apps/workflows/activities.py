"""What the interpreter has done: steps, and what is noted of them. A step may be tried often; its effect has a key."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import InterfaceError, OperationalError
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from pydantic_core import to_jsonable_python
from temporalio import activity
from temporalio.exceptions import ApplicationError, CancelledError

from apps.approvals.shared import GOOD, Asked
from apps.executions import projection, states
from apps.executions.models import MAX_ERROR, Execution
from apps.executions.progress import report_progress
from apps.executions.shared import storable
from apps.workflows import items, runs
from apps.workflows.context import context_of
from apps.workflows.expressions import ExpressionError, holds
from apps.workflows.heartbeats import alive
from apps.workflows.kinds import base
from apps.workflows.kinds.base import Kind, StepContext, StepError
from apps.workflows.kinds.lists import allowed
from apps.workflows.models import ItemPart, StepRun
from apps.workflows.patience import patient
from apps.workflows.shared import Child, CloseInput, ItemsInput, PlaceInput, Planned, StepInput, StepSpec, Until
from apps.workflows.storable import as_storable

# In characters of JSON. What is longer is stored by its step, which gives a key to it.
MAX_OUTPUT = 100_000


# No exception out of nowhere in these threads, by a cancel or because a note takes long: what they have begun they end.
@activity.defn(no_thread_cancel_exception=True)
def is_same_attempt(place: PlaceInput) -> bool:
    """Whether a run that continues another belongs to the same attempt: one that was reset begins at the first step."""
    execution = _execution(place.execution_id)
    return StepRun.objects.filter(execution=execution, attempt=execution.attempt).exists()


@activity.defn(no_thread_cancel_exception=True)
@patient
def run_step(wanted: StepInput) -> None:
    """Do a step that is one activity."""
    execution, step = _execution(wanted.execution_id), wanted.step
    run = runs.begin(execution, step)
    if run.status == StepRun.Status.SUCCESS:
        return
    with _final_errors(run), alive():
        runs.succeed(run, _output(_run_kind(execution, step)))


@activity.defn(no_thread_cancel_exception=True)
@patient
def ask_people(wanted: StepInput) -> Asked:
    """Ask for an approval or signatures; the execution is paused until they answer."""
    execution, step = _execution(wanted.execution_id), wanted.step
    run = runs.begin(execution, step, status=StepRun.Status.WAITING)
    if run.is_reused:
        given: dict[str, Any] = run.output or {}
        return Asked(id=given["id"], kind=given["kind"], status=given["status"], expires_at=timezone.now())
    with _final_errors(run), alive():
        asked: Asked = _run_kind(execution, step)
    run.waits_until = asked.expires_at
    run.save(update_fields=["waits_until"])
    return asked


@activity.defn(no_thread_cancel_exception=True)
def begin_wait(wanted: StepInput) -> Until:
    """Note that a step waits, and until when."""
    execution, step = _execution(wanted.execution_id), wanted.step
    run = runs.begin(execution, step, status=StepRun.Status.WAITING)
    if run.is_reused:
        return Until(moment=timezone.now())
    if run.waits_until is None:
        with _final_errors(run, attempts=step.attempts):
            run.waits_until = _moment(_run_kind(execution, step))
            run.save(update_fields=["waits_until"])
    assert run.waits_until is not None
    return Until(moment=run.waits_until)


@activity.defn(no_thread_cancel_exception=True)
def close_step(wanted: CloseInput) -> None:
    """Note how a step ended that waited."""
    execution = _execution(wanted.execution_id)
    run = StepRun.objects.filter(execution=execution, key=wanted.key).latest("attempt")
    if run.attempt != execution.attempt:
        if activity.in_activity() and projection.is_superseded(execution, activity.info().workflow_run_id or ""):
            return
        # The execution was reset in Temporal itself, and its row has learnt of that while the step waited.
        run = StepRun(
            execution=execution,
            key=run.key,
            attempt=execution.attempt,
            kind=run.kind,
            name=run.name,
            status=StepRun.Status.WAITING,
        )
    if run.status not in runs.OPEN:
        return
    if wanted.is_child and Execution.objects.get(temporal_workflow_id=wanted.asked_id).status in states.OPEN:
        # It has ended, or there was no answer to wait for: its row learns of that from its worker or within a minute.
        raise ApplicationError(f"{wanted.asked_id} has not told its end yet", type="NotToldYet")
    kind = base.find(run.kind)
    output = kind.output(wanted.asked_id) if wanted.asked_id else None
    if wanted.status in {*GOOD, "success"}:
        with _final_errors(run):
            runs.succeed(run, _output(output))
    else:
        run.output = output
        runs.fail(run, wanted.status)


@activity.defn(no_thread_cancel_exception=True)
def choose_next(wanted: StepInput) -> str:
    """The key of the step that conditions choose, empty for the end. The choice is noted with the step."""
    execution, step = _execution(wanted.execution_id), wanted.step
    run = runs.begin(execution, step)
    if run.reason:
        return run.decision
    context = context_of(execution, needed=[edge.condition for edge in step.next])
    with _final_errors(run, attempts=step.attempts):
        for edge in sorted(step.next, key=lambda edge: not edge.condition):
            if not edge.condition or _holds(edge.condition, context):
                run.decision, run.reason = edge.to, edge.condition or "no condition held"
                break
        else:
            raise StepError("no condition held, and there is no step for that case")
    runs.succeed(run, run.output)
    return run.decision


@activity.defn(no_thread_cancel_exception=True)
@patient
def begin_child(wanted: StepInput) -> Child:
    """Make the row of a workflow that a step runs, and say how it is started."""
    execution, step = _execution(wanted.execution_id), wanted.step
    run = runs.begin(execution, step)
    if run.status == StepRun.Status.SUCCESS:
        return Child(is_done=True)
    with _final_errors(run), alive():
        child: Child = _run_kind(execution, step)
    return child


@activity.defn
@patient
def plan_items(wanted: StepInput) -> Planned:
    """Store the items of a step, and say which parts of them are left to do."""
    execution, step = _execution(wanted.execution_id), wanted.step
    run = runs.begin(execution, step)
    if run.status == StepRun.Status.SUCCESS:
        return Planned(parts=())
    with _final_errors(run):
        left = items.plan(run, lambda: _run_kind(execution, step), beat=activity.heartbeat)
    return Planned(parts=tuple(left), at_once=_read(step).at_once)


# No exception out of nowhere in this thread: a cancel is looked for between items, where nothing is half done.
@activity.defn(no_thread_cancel_exception=True)
@patient
def do_items(wanted: ItemsInput) -> None:
    """Do what is left of a part of the items. Those that failed for now are tried again by the next try of this activity."""
    execution, step = _execution(wanted.execution_id), wanted.step
    run = runs.begin(execution, step)
    part = ItemPart.objects.get(execution=execution, key=step.key, number=wanted.part)

    def told(tried: int) -> bool:
        report_progress(tried, len(part.values), heartbeat=[tried])
        return activity.is_cancelled()

    is_last_try = activity.info().attempt >= step.attempts
    again = items.work_through(part, run, _item_work(execution, step), is_last_try=is_last_try, told=told)
    if activity.is_cancelled():
        raise CancelledError("cancelled between two items")
    if again:
        raise ApplicationError(f"{again:,} items are to be tried again", type="ItemsFailed")


@activity.defn(no_thread_cancel_exception=True)
def finish_items(wanted: StepInput) -> None:
    """Judge a step whose items were all tried by how many failed."""
    execution, step = _execution(wanted.execution_id), wanted.step
    run = runs.begin(execution, step)
    if run.status == StepRun.Status.SUCCESS:
        return
    failures = items.count_all(run)
    total, failed = run.items_total or 0, run.items_failed
    with _final_errors(run):
        if failed > (limit := allowed(_read(step), total)):
            raise StepError(f"{failed:,} of {total:,} items failed, and {limit:,} may: {failures[0].error}")
        first = [{"index": each.index, "error": each.error} for each in failures]
        runs.succeed(run, {"total": total, "succeeded": total - failed, "failed": failed, "failures": first})


def _run_kind(execution: Execution, step: StepSpec) -> Any:
    kind = base.find(step.kind)
    context = context_of(execution, needed=step.config)
    return _run(kind, step.config, _step_context(execution, step, context, runs.effect_key(execution, step)))


def _item_work(execution: Execution, step: StepSpec) -> Callable[[int, Any], Any]:
    """What is done with an item, as a function of its place and its value."""
    ((kind, config),) = base.find(step.kind).inner(_read(step))
    context, key = context_of(execution, needed=config), runs.effect_key(execution, step)

    def do(index: int, value: Any) -> Any:
        seen = {**context, "item": value, "index": index}
        return _run(kind, config, _step_context(execution, step, seen, f"{key}:{index}", index=index))

    return do


def _run(kind: Kind, config: Mapping[str, Any], context: StepContext) -> Any:
    return kind.run(kind.rendered(config, context.context), context)


def _read(step: StepSpec) -> Any:
    return base.find(step.kind).Config.model_validate(step.config)


def _step_context(
    execution: Execution, step: StepSpec, context: dict[str, Any], key: str, *, index: int | None = None
) -> StepContext:
    return StepContext(
        execution_id=str(execution.pk),
        step=step.key,
        key=key,
        context=context,
        attempt=execution.attempt,
        index=index,
    )


def _execution(execution_id: str) -> Execution:
    return Execution.objects.get(pk=execution_id)


def _holds(condition: str, context: dict[str, Any]) -> bool:
    try:
        return holds(condition, context)
    except ExpressionError as error:
        raise StepError(str(error)) from error


def _moment(value: Any) -> datetime:
    try:
        if isinstance(value, str):
            value = parse_datetime(value)
        if isinstance(value, timedelta):
            value = timezone.now() + value
        if isinstance(value, datetime):
            return value if timezone.is_aware(value) else timezone.make_aware(value)
    except (ValueError, OverflowError) as error:
        raise StepError(f"A wait ends at a time that there is: {error}.") from error
    raise StepError("A wait ends at a time or after a duration, such as 2026-01-31T09:00:00Z or duration('3h').")


def _output(value: Any) -> Any:
    try:
        plain = to_jsonable_python(value)
        size = len(as_storable(plain))
    except ValueError as error:
        raise StepError(f"it gives what cannot be stored: {error}") from error
    if size > MAX_OUTPUT:
        raise StepError(f"it gives {size:,} characters and {MAX_OUTPUT:,} are kept: store it and give its key")
    return plain


@contextmanager
def _final_errors(run: StepRun, *, attempts: int | None = None) -> Iterator[None]:
    """What no repetition cures fails the step at once, by its name.

    `attempts` is for what is tried for ever, while the database is away: anything else fails the step after so many.
    """
    try:
        yield
    except StepError as error:
        raise _failed(run, str(error)) from error
    except Exception as error:
        if attempts is None or isinstance(error, (OperationalError, InterfaceError)) or activity.info().attempt < attempts:
            raise
        raise _failed(run, f"{type(error).__name__}: {error}") from error


def _failed(run: StepRun, reason: str) -> ApplicationError:
    reason = storable(reason)
    if run.status == StepRun.Status.SUCCESS:
        # What it did is done, and not to be done again: where it leads to is not known.
        run.error = reason[:MAX_ERROR]
        run.save(update_fields=["error"])
    else:
        runs.fail(run, reason)
    return ApplicationError(f"{run.name}: {reason}", type="StepFailed", non_retryable=True)
