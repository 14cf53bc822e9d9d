"""What the interpreter has done: steps, and what is noted of them. A step may be tried often; its effect has a key."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from pydantic_core import to_jsonable_python
from temporalio import activity
from temporalio.exceptions import ApplicationError

from apps.approvals.shared import GOOD, Asked
from apps.executions.models import Execution
from apps.workflows import runs
from apps.workflows.context import context_of
from apps.workflows.expressions import ExpressionError, holds
from apps.workflows.kinds import base
from apps.workflows.kinds.base import StepContext, StepError
from apps.workflows.models import StepRun
from apps.workflows.shared import CloseInput, StepInput, StepSpec, Until

# In characters of JSON. What is longer is stored by its step, which gives a key to it.
MAX_OUTPUT = 100_000


@activity.defn
def run_step(wanted: StepInput) -> None:
    """Do a step that is one activity."""
    execution, step = _execution(wanted.execution_id), wanted.step
    run = runs.begin(execution, step)
    if run.status == StepRun.Status.SUCCESS:
        return
    with _final_errors(run):
        runs.succeed(run, _output(_run_kind(execution, step)))


@activity.defn
def ask_people(wanted: StepInput) -> Asked:
    """Ask for an approval or signatures; the execution is paused until they answer."""
    execution, step = _execution(wanted.execution_id), wanted.step
    run = runs.begin(execution, step, status=StepRun.Status.WAITING)
    if run.is_reused:
        given: dict[str, Any] = run.output or {}
        return Asked(id=given["id"], kind=given["kind"], status=given["status"], expires_at=timezone.now())
    with _final_errors(run):
        asked: Asked = _run_kind(execution, step)
    run.waits_until = asked.expires_at
    run.save(update_fields=["waits_until"])
    return asked


@activity.defn
def begin_wait(wanted: StepInput) -> Until:
    """Note that a step waits, and until when."""
    execution, step = _execution(wanted.execution_id), wanted.step
    run = runs.begin(execution, step, status=StepRun.Status.WAITING)
    if run.is_reused:
        return Until(moment=timezone.now())
    if run.waits_until is None:
        with _final_errors(run):
            run.waits_until = _moment(_run_kind(execution, step))
            run.save(update_fields=["waits_until"])
    assert run.waits_until is not None
    return Until(moment=run.waits_until)


@activity.defn
def close_step(wanted: CloseInput) -> None:
    """Note how a step ended that waited."""
    execution = _execution(wanted.execution_id)
    run = StepRun.objects.get(execution=execution, key=wanted.key, attempt=execution.attempt)
    if run.status not in runs.OPEN:
        return
    kind = base.find(run.kind)
    output = kind.output(wanted.asked_id) if wanted.asked_id else None
    if wanted.status in {*GOOD, "success"}:
        runs.succeed(run, output)
    else:
        run.output = output
        runs.fail(run, wanted.status)


@activity.defn
def choose_next(wanted: StepInput) -> str:
    """The key of the step that conditions choose, empty for the end. The choice is noted with the step."""
    execution, step = _execution(wanted.execution_id), wanted.step
    run = runs.begin(execution, step)
    if run.reason:
        return run.decision
    context = context_of(execution, needed=[edge.condition for edge in step.next])
    with _final_errors(run):
        for edge in sorted(step.next, key=lambda edge: not edge.condition):
            if not edge.condition or _holds(edge.condition, context):
                run.decision, run.reason = edge.to, edge.condition or "no condition held"
                break
        else:
            raise StepError("no condition held, and there is no step for that case")
    runs.succeed(run, run.output)
    return run.decision


def _run_kind(execution: Execution, step: StepSpec) -> Any:
    kind = base.find(step.kind)
    context = context_of(execution, needed=step.config)
    config = kind.rendered(step.config, context)
    return kind.run(config, _step_context(execution, step, context))


def _step_context(execution: Execution, step: StepSpec, context: dict[str, Any]) -> StepContext:
    key = f"{execution.temporal_workflow_id}:{step.key}"
    return StepContext(execution_id=str(execution.pk), step=step.key, key=key, context=context, attempt=execution.attempt)


def _execution(execution_id: str) -> Execution:
    return Execution.objects.get(pk=execution_id)


def _holds(condition: str, context: dict[str, Any]) -> bool:
    try:
        return holds(condition, context)
    except ExpressionError as error:
        raise StepError(str(error)) from error


def _moment(value: Any) -> datetime:
    if isinstance(value, str):
        value = parse_datetime(value)
    if isinstance(value, timedelta):
        value = timezone.now() + value
    if not isinstance(value, datetime):
        raise StepError("A wait ends at a time or after a duration, such as 2026-01-31T09:00:00Z or duration('3h').")
    return value if timezone.is_aware(value) else timezone.make_aware(value)


def _output(value: Any) -> Any:
    plain = to_jsonable_python(value)
    if (size := len(json.dumps(plain, ensure_ascii=False))) > MAX_OUTPUT:
        raise StepError(f"it gives {size:,} characters and {MAX_OUTPUT:,} are kept: store it and give its key")
    return plain


@contextmanager
def _final_errors(run: StepRun) -> Iterator[None]:
    """What no repetition cures fails the step at once, by its name."""
    try:
        yield
    except StepError as error:
        runs.fail(run, str(error))
        raise ApplicationError(f"{run.name}: {error}", type="StepFailed", non_retryable=True) from error
