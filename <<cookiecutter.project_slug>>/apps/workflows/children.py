"""Workflows that workflows run: each has an execution of its own, known by the step that runs it.

A child that failed is tried again with its parent, on the same row, and goes on where it was.
"""

from contextlib import suppress
from typing import Any
from uuid import uuid5

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone

from apps.executions import catalog, projection
from apps.executions import services as executions
from apps.executions.models import START, Actor, Execution
from apps.temporal import client, queues
from apps.temporal.exceptions import ExecutionNotFound, Refused
from apps.workflows import starting
from apps.workflows.kinds.base import StepError
from apps.workflows.models import Run, StepRun
from apps.workflows.shared import Child, execution_workflow_id


@transaction.atomic
def prepare(parent: Execution, *, place: str, workflow: str, values: Any, is_awaited: bool) -> Child:
    """The child that a step of a parent starts: `place` tells it apart from its others. A repetition gives the same one.

    One that is not awaited is started here, if this transaction commits: its parent has nothing left to do. Raises StepError
    where the one whom the parent acts for may not start it, or its input does not fit.
    """
    child = _found(parent, place) if is_awaited else start_alone(parent, place=place, workflow=workflow, values=values)
    if child is None:
        child = _begun(_planned(parent, place, workflow, values))
    elif child.status == Execution.Status.COMPLETED or (child.is_open and not is_awaited):
        return Child(workflow_id=child.temporal_workflow_id, is_awaited=is_awaited, is_done=True)
    elif not child.is_open:
        reason = "What runs it was reset."
        keep_done = catalog.resumes_by_itself(child.workflow)
        if not is_awaited and child.temporal_run_id:
            to = executions.FAILED_STEP if keep_done else executions.BEGINNING
            executions.reset_execution(child, user=None, to=to, reason=reason)
            return Child(workflow_id=child.temporal_workflow_id, is_awaited=False, is_done=True)
        projection.begin_attempt(child, by="workflow", reason=reason, keep_done=keep_done)
    name, argument = _what_starts(child)
    return Child(
        workflow=name,
        argument=argument,
        workflow_id=child.temporal_workflow_id,
        task_queue=queues.route(child.tenant, child.task_queue).task_queue,
        is_awaited=is_awaited,
    )


@transaction.atomic
def start_alone(parent: Execution, *, place: str, workflow: str, values: Any) -> Execution:
    """Start a child that nobody waits for, once for each place. Raises as prepare does."""
    child = _found(parent, place)
    if child is None:
        planned = _planned(parent, place, workflow, values)
        try:
            child = executions.start_execution(planned, user=None)
        except Refused as error:
            raise StepError(str(error)) from error
    return child


def told_of(workflow_id: str) -> dict[str, Any]:
    """What a parent's later steps may use of a child. Raises TemporalUnavailable where only that knows."""
    child = Execution.objects.get(temporal_workflow_id=workflow_id)
    told = {"execution_id": str(child.pk), "workflow_id": workflow_id, "status": child.status, "output": child.result}
    if _is_defined(child):
        last = StepRun.objects.filter(execution=child, status=StepRun.Status.SUCCESS).order_by("-attempt", "-completed_at", "-pk")
        told["output"] = last.values_list("output", flat=True).first()
    elif child.status == Execution.Status.COMPLETED:
        # Its row shows what it gave, cut where that is long: the server has the whole, until it forgets it.
        with suppress(ExecutionNotFound):
            told["output"] = client.result(workflow_id, timeout=client.TIMEOUT)
    return told


def _found(parent: Execution, place: str) -> Execution | None:
    return Execution.objects.select_for_update().filter(pk=uuid5(parent.pk, place)).first()


def _planned(parent: Execution, place: str, workflow: str, values: Any) -> Execution:
    """With what the parent was started by: a trigger's payload reaches every step."""
    pk = uuid5(parent.pk, place)
    run = Run.objects.select_related("version__published_by").get(pk=parent.pk)
    try:
        startable = _startable(workflow, run=run, by=_acts_for(parent, run), depth=run.depth + 1)
        own_id = {"temporal_workflow_id": execution_workflow_id(str(pk))} if startable.code is None else {}
        return executions.plan_execution(
            workflow=startable.workflow,
            values=values,
            user=parent.user,
            trigger=Execution.Trigger.CODE,
            startable=startable,
            trigger_ref=parent.temporal_workflow_id,
            context=parent.context,
            source_object_type=parent.source_object_type,
            source_object_id=parent.source_object_id,
            pk=pk,
            **own_id,
        )
    except ValidationError as error:
        raise StepError(" ".join(error.messages)) from error
    except PermissionDenied as error:
        raise StepError(str(error)) from error


def _begun(child: Execution) -> Execution:
    """As if it were started, which its parent does."""
    child.start_requested_at = timezone.now()
    projection.note(child, "start", by="workflow")
    return child


def _acts_for(parent: Execution, run: Run) -> Actor:
    """Whoever published it. A test runs a draft, which somebody else may publish later, with other steps."""
    return parent.user if run.is_test else run.version.published_by


def _startable(workflow: str, *, run: Run, by: Actor, depth: int) -> catalog.Startable:
    """A workflow does no more than the one whom it acts for may do."""
    has_done = "started this test" if run.is_test else "published this workflow"
    if by is None:
        raise PermissionDenied(f"Nobody has {has_done}: it cannot run another one.")
    found = catalog.find(workflow, user=by)
    if isinstance(found, starting.Defined):
        assert found.version is not None
        return starting.startable(found.version, depth=depth)
    if not by.has_perm(f"executions.{START}"):
        raise PermissionDenied(f"{by} has {has_done} and may not start {workflow}.")
    return found


def _what_starts(child: Execution) -> tuple[str, Any]:
    """As it was planned: what was published or archived since changes nothing."""
    if not _is_defined(child):
        return child.workflow, child.input
    run = Run.objects.select_related("version__workflow__project").get(pk=child.pk)
    return starting.startable(run.version, depth=run.depth).argument(child)


def _is_defined(child: Execution) -> bool:
    return "/" in child.workflow
