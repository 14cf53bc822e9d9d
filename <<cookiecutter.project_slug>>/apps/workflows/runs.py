"""The only writer of step runs. A step that succeeded in an earlier attempt gives what it gave then, unless that is void."""

from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from temporalio import activity

from apps.executions import projection
from apps.executions.models import MAX_ERROR, Execution
from apps.workflows.kinds import base
from apps.workflows.models import StepRun
from apps.workflows.shared import StepSpec

Status = StepRun.Status
OPEN = (Status.RUNNING, Status.WAITING)


@transaction.atomic
def begin(execution: Execution, step: StepSpec, *, status: str = Status.RUNNING) -> StepRun:
    """The run of a step in this attempt of a locked or unlocked execution: a repetition finds the same one.

    One that `is_reused` has its output from an earlier attempt and is not to be done.
    """
    run, created = StepRun.objects.get_or_create(
        execution=execution,
        key=step.key,
        attempt=execution.attempt,
        defaults={"kind": step.kind, "name": step.name, "status": status},
    )
    if created and (earlier := _earlier(execution, step.key)):
        run.is_reused, run.status, run.output = True, Status.SUCCESS, earlier.output
        run.decision, run.reason, run.completed_at = earlier.decision, earlier.reason, timezone.now()
        run.save()
    if created and activity.in_activity():
        projection.arrive(execution, step.name, activity.info().workflow_run_id or "")
    return run


def succeed(run: StepRun, output: Any = None) -> None:
    """Note what a step gave."""
    run.status, run.output, run.completed_at, run.error = Status.SUCCESS, output, timezone.now(), ""
    run.save()


def fail(run: StepRun, error: str) -> None:
    """Note why a step failed for good, unless another try of it, which this one has outlived, has done it."""
    if StepRun.objects.filter(pk=run.pk, status=Status.SUCCESS).exists():
        return
    run.status, run.error, run.completed_at = Status.FAILED, error[:MAX_ERROR], timezone.now()
    run.save()


def leave(execution: Execution, *, status: str, error: str) -> None:
    """Close what an execution that has ended leaves behind."""
    left = StepRun.objects.filter(execution=execution, status__in=OPEN)
    left.update(status=status, error=error[:MAX_ERROR], completed_at=timezone.now())


def make_void(execution: Execution, *, effects: bool) -> None:
    """Have the steps of an execution done again: those without an effect, or with `effects` all of them."""
    chosen = Q() if effects else Q(kind__in=[kind.name for kind in base.kinds().values() if not kind.has_effect])
    StepRun.objects.filter(chosen, execution=execution).update(is_void=True)


def effect_key(execution: Execution, step: StepSpec) -> str:
    """What the effects of a step are known by: the same until they are wanted again, whatever else is repeated."""
    key = f"{execution.temporal_workflow_id}:{step.key}"
    # Only where effects are wanted again does the run of a step with one become void.
    if execution.attempt == 1 or not base.find(step.kind).has_effect:
        return key
    again = StepRun.objects.filter(execution=execution, key=step.key, is_void=True).count()
    return f"{key}:again-{again}" if again else key


def _earlier(execution: Execution, key: str) -> StepRun | None:
    earlier = StepRun.objects.filter(execution=execution, key=key, attempt__lt=execution.attempt)
    return earlier.filter(status=Status.SUCCESS, is_void=False).order_by("-attempt").first()
