"""What people and code do to executions. Each is one transaction: the row, its line in the audit trail, what Temporal is told.

Nobody waits for Temporal here: what is asked of it goes through the outbox, and is done once it is back.
"""

from contextlib import suppress
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from pydantic_core import to_jsonable_python

from apps.executions import catalog, projection, states
from apps.executions.events import attempt_begun
from apps.executions.models import MAX_ID, Actor, Execution, TaskExecution
from apps.temporal import outbox
from apps.temporal.models import OutboxMessage
from apps.users.models import User

Status, TaskStatus, Trigger = Execution.Status, TaskExecution.Status, Execution.Trigger
FAILED_STEP, BEGINNING = "failed-step", "start"
RESET_POINTS = {FAILED_STEP: "last-good", BEGINNING: "start"}


@transaction.atomic
def start_workflow(workflow: str, argument: Any, *, workflow_id: str, by: Actor = None, **facts: Any) -> Execution:
    """Start a workflow if, and only if, this transaction commits; an id is started once. For code that knows its input.

    `by` is who asked for it, for the audit trail. `facts` are what the row says beside: user, trigger, trigger_ref, trigger_data,
    source_object_type, source_object_id, tenant, task_queue. One that somebody planned is started; one that has ended
    stays so. Raises Refused for what Temporal would never take.
    """
    execution, _ = Execution.objects.get_or_create(
        temporal_workflow_id=workflow_id, defaults={"workflow": workflow, "input": to_jsonable_python(argument), **facts}
    )
    if execution.is_planned:
        execution = projection.locked(execution)
    if execution.is_planned:
        execution.start_requested_at = timezone.now()
        projection.note(execution, "start", by="user" if by else "code", user=by)
    if execution.is_open:
        outbox.enqueue_start(
            workflow, argument, workflow_id=workflow_id, tenant=execution.tenant, task_queue=execution.task_queue
        )
    return execution


@transaction.atomic
def plan_execution(
    *,
    workflow: str,
    values: Any,
    user: Actor,
    trigger: str = Trigger.MANUAL,
    key: str = "",
    startable: catalog.Startable | None = None,
    **facts: Any,
) -> Execution:
    """Prepare an execution that somebody starts later, with the tasks that are known. `values` is its input.

    `key` makes a repetition by the same account give the same execution; `facts` are as in start_workflow. A caller that has
    the startable gives it, and has seen to it that the account may start it. Raises ValidationError by field name.
    """
    if key and user:
        # One request at a time, or two of the same key would both find that it is new.
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
    given = {"input": _plain(values)}
    if key and (repeated := Execution.objects.filter(user=user, idempotency_key=key).first()):
        if (repeated.workflow, repeated.trigger_data) != (workflow, given):
            raise ValidationError({"key": "This key was used for another request: choose a new one."})
        return repeated
    startable = startable or catalog.find(workflow, user=user)
    wanted = startable.read(values)
    facts = {"temporal_workflow_id": "", **startable.facts(wanted), **facts}
    workflow_id = facts.pop("temporal_workflow_id") or startable.workflow_id(wanted)
    if len(workflow_id) > MAX_ID:
        raise ValidationError({"input": f"Its workflow id would have {len(workflow_id):,} characters, and {MAX_ID} fit."})
    execution, created = Execution.objects.get_or_create(
        temporal_workflow_id=workflow_id,
        defaults={
            "workflow": workflow,
            "user": user,
            "trigger": trigger,
            "input": to_jsonable_python(wanted),
            "trigger_data": given,
            "idempotency_key": key or None,
            "has_plan": bool(startable.planned_tasks),
            **facts,
        },
    )
    if not created:
        raise ValidationError({"input": f"There is an execution for this already, {workflow_id}: it is {execution.state}."})
    TaskExecution.objects.bulk_create(
        TaskExecution(execution=execution, name=name, position=position, activity_id=f"planned-{position}")
        for position, name in enumerate(startable.planned_tasks, start=1)
    )
    startable.planned(execution)
    projection.note(execution, "planned", by="user", user=user)
    return execution


@transaction.atomic
def start_execution(execution: Execution, *, user: Actor) -> Execution:
    """Start a planned execution. Raises IllegalTransition for one that was started."""
    execution = projection.locked(execution)
    if not execution.is_planned:
        states.refuse_start(execution.status)
    execution.start_requested_at = timezone.now()
    workflow, argument = catalog.what_starts(execution)
    outbox.enqueue_start(
        workflow,
        argument,
        workflow_id=execution.temporal_workflow_id,
        tenant=execution.tenant,
        task_queue=execution.task_queue,
    )
    projection.note(execution, "start", by="user", user=user)
    return execution


@transaction.atomic
def cancel_execution(execution: Execution, *, user: Actor, reason: str = "") -> Execution:
    """Ask it to stop cleanly; one that never started is canceled at once. Raises IllegalTransition for one that has ended."""
    execution = projection.locked(execution)
    states.check(execution.status, Status.CANCELED)
    if execution.is_planned or outbox.cancel_execution(execution.temporal_workflow_id, is_known=True):
        projection.change(execution, Status.CANCELED, "cancel", by="user", user=user, reason=reason)
    else:
        execution.cancel_requested_at = timezone.now()
        projection.note(execution, "cancel", by="user", user=user, reason=reason)
    return execution


@transaction.atomic
def stop_workflow(workflow_id: str, *, user: Actor = None) -> bool:
    """Ask an execution to stop cleanly, for code that knows its id. One that has ended stays as it is.

    True when it had not started and never will. Raises ExecutionNotFound when nobody knows it.
    """
    execution = Execution.objects.filter(temporal_workflow_id=workflow_id).first()
    if execution is None:
        return outbox.cancel_execution(workflow_id)
    with suppress(states.IllegalTransition):
        execution = cancel_execution(execution, user=user)
    return execution.status == Status.CANCELED and execution.started_at is None


@transaction.atomic
def terminate_execution(execution: Execution, *, user: Actor, reason: str) -> Execution:
    """End it without letting it clean up. Raises IllegalTransition for one that has ended."""
    execution = projection.locked(execution)
    states.check(execution.status, Status.TERMINATED)
    if not execution.is_planned:
        outbox.terminate_execution(execution.temporal_workflow_id, reason=reason, is_known=True)
    projection.change(execution, Status.TERMINATED, "terminate", by="user", user=user, reason=reason)
    return execution


@transaction.atomic
def reset_execution(
    execution: Execution, *, user: Actor, to: str = FAILED_STEP, reason: str = "", repeat_effects: bool = False
) -> Execution:
    """Try it again on the same row, from "failed-step" or from "start". What it did before stays to be seen.

    Effects that have a key, such as mails, are not repeated unless `repeat_effects`. Raises IllegalTransition for one that
    cannot be reset, ValidationError for another `to`.
    """
    execution = projection.locked(execution)
    states.check_reset(execution.status)
    if to not in RESET_POINTS:
        raise ValidationError({"to": f"There is no reset to {to!r}: choose {' or '.join(RESET_POINTS)}."})
    if not execution.temporal_run_id and execution.started_at is None:
        raise ValidationError({"to": "It never ran: start another one."})
    if not execution.temporal_run_id or _is_run_unknown(execution):
        raise ValidationError({"to": "It is not known yet how far it came: try again in a minute."})
    earlier = execution.temporal_run_id
    attempt_begun.send(Execution, execution=execution, to=to)
    projection.begin_attempt(execution, user=user, reason=reason, keep_done=to == FAILED_STEP, repeat_effects=repeat_effects)
    point = "start" if catalog.resumes_by_itself(execution.workflow) else RESET_POINTS[to]
    outbox.enqueue_reset(
        execution.temporal_workflow_id, run_id=earlier, to=point, reason=reason or "reset by hand", attempt=execution.attempt
    )
    return execution


def _is_run_unknown(execution: Execution) -> bool:
    """Whether the run that the row knows was reset, and its new one has said nothing and was not looked for yet."""
    message = outbox.last_reset(execution.temporal_workflow_id)
    is_on_its_way = message is not None and message.status in {OutboxMessage.Status.PENDING, OutboxMessage.Status.SENT}
    return is_on_its_way and projection.is_superseded(execution, execution.temporal_run_id)


def _plain(values: Any) -> Any:
    """As JSON: an expression may give a time. Raises ValidationError for what is none, or nested too deep."""
    try:
        return to_jsonable_python(values)
    except ValueError as error:
        raise ValidationError({"input": f"This has what cannot be stored: {error}."}) from error
