"""Where every trigger ends: one delivery, one execution."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.executions import services as executions
from apps.executions import states
from apps.executions.models import MAX_ERROR, Actor, Execution
from apps.executions.shared import storable
from apps.temporal.exceptions import Refused
from apps.triggers import kinds
from apps.triggers.kinds import Delivery
from apps.triggers.models import Trigger, TriggerEvent
from apps.users.models import User
from apps.workflows import access, starting
from apps.workflows import services as workflows
from apps.workflows.models import Project
from apps.workflows.storable import require_plain

Status = TriggerEvent.Status


@transaction.atomic
def fire(trigger: Trigger, delivery: Delivery, *, user: Actor = None) -> TriggerEvent:
    """Start the trigger's workflow, and tell what came of it. A repeated delivery has no further effect, unless it was refused.

    `user` is who fires it by hand; that works while it is paused, too.
    """
    # Senders make ids of whatever they like.
    delivery = replace(delivery, event_id=storable(delivery.event_id))
    # One delivery at a time, so that a repetition finds the one before.
    trigger = _locked(trigger)
    event = TriggerEvent.objects.select_related("execution").filter(trigger=trigger, event_id=delivery.event_id).first()
    if event and event.status != Status.REFUSED:
        return event
    event = event or TriggerEvent(trigger=trigger, event_id=delivery.event_id)
    event.status, event.execution, event.error = _outcome(trigger, delivery, user)
    event.save()
    trigger.last_error = event.error
    if event.execution:
        trigger.last_fired_at = timezone.now()
        trigger.fired_count += 1
    trigger.save(update_fields=["last_error", "last_fired_at", "fired_count"])
    return event


def _outcome(trigger: Trigger, delivery: Delivery, user: Actor) -> tuple[Status, Execution | None, str]:
    running = list(_running(trigger)) if trigger.overlap != Trigger.Overlap.ALLOW else []
    if not trigger.enabled and user is None:
        return Status.SKIPPED, None, "The trigger is paused."
    if running and trigger.overlap == Trigger.Overlap.SKIP:
        return Status.SKIPPED, None, f"{running[0]} had not ended."
    try:
        # Atomic itself: what a refused start has written is taken back, what is told of it stays.
        execution = _start(trigger, delivery, user)
    except (ValidationError, Refused) as error:
        return Status.REFUSED, None, _said(error)
    for other in running:
        with suppress(states.IllegalTransition):
            executions.cancel_execution(other, user=user, reason=f"{trigger.name} has started another one.")
    return Status.STARTED, execution, ""


def _said(error: ValidationError | Refused) -> str:
    """With the field that it is about, where it is about one of the input. It may quote what was brought, so it is cut."""
    if isinstance(error, Refused):
        return str(error)
    found = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
    said = " ".join(f"{field}: {text}" if "." in field else text for field, texts in found.items() for text in texts)
    return storable(said)[:MAX_ERROR]


def _start(trigger: Trigger, delivery: Delivery, user: Actor) -> Execution:
    kind = kinds.find(trigger.kind)
    # Before expressions see it: what is very deep would end the process that evaluates them.
    require_plain(delivery.data, field="data", said="What it brings cannot be stored")
    starting.require_active(trigger.workflow)
    version = trigger.workflow.current
    assert version is not None
    values = kinds.values_of(trigger.config, delivery.data, version.input_schema, kind=str(kind.recorded), ref=str(trigger.pk))
    return workflows.start(
        version,
        values=values,
        user=user or _responsible(trigger),
        trigger=Execution.Trigger.MANUAL if user else kind.recorded,
        trigger_payload=delivery.data,
        metadata={"trigger": trigger.name, "event": delivery.event_id},
        trigger_ref=str(trigger.pk),
        source_data=delivery.data if delivery.source_object_type else None,
        source_object_type=delivery.source_object_type,
        source_object_id=delivery.source_object_id,
    )


def _responsible(trigger: Trigger) -> User:
    """Whose execution it is: the account's that is responsible, the owner's once that one may no longer start anything."""
    project: Any = Project.objects.select_related("owner").get(pk=trigger.workflow.project_id)
    responsible = trigger.created_by
    may = responsible.is_active and access.may_change(responsible, project.pk)
    owner: User = project.owner
    return responsible if may else owner


def _running(trigger: Trigger) -> QuerySet[Execution]:
    started = TriggerEvent.objects.filter(trigger=trigger, execution__status__in=states.OPEN)
    # In the order in which workers' records lock them, so that nobody waits in a circle.
    return Execution.objects.filter(pk__in=started.values("execution")).order_by("pk")


def _locked(trigger: Trigger) -> Trigger:
    wanted = Trigger.objects.select_for_update(of=("self",)).select_related("created_by")
    return wanted.select_related("workflow__project", "workflow__current__workflow__project").get(pk=trigger.pk)
