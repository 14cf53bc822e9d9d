"""What people do to triggers. Each is one transaction; one that Temporal fires tells it through the outbox."""

from collections.abc import Mapping
from typing import Any, Literal
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.db import transaction

from apps.schedules.services import enqueue_schedule, enqueue_schedule_change
from apps.triggers import keys, kinds
from apps.triggers.models import Trigger
from apps.triggers.schedules import name_of, schedule_of
from apps.users.models import User
from apps.workflows.models import Workflow


@transaction.atomic
def create_trigger(
    workflow: Workflow,
    *,
    user: User,
    kind: str,
    name: str,
    config: Mapping[str, Any],
    overlap: str = Trigger.Overlap.ALLOW,
    enabled: bool = True,
) -> Trigger:
    """Have something start a workflow from now on. Raises ValidationError by field name."""
    wanted = kinds.find(kind)
    trigger = Trigger(workflow=workflow, kind=kind, name=name, overlap=overlap, enabled=enabled, created_by=user)
    if wanted.has_token:
        trigger.token_digest = keys.new_digest(trigger)
    return _saved(trigger, config)


@transaction.atomic
def change_trigger(
    trigger: Trigger, *, name: str | None = None, config: Mapping[str, Any] | None = None, overlap: str | None = None
) -> Trigger:
    """Change what is given; its kind and its keys stay. Raises ValidationError by field name."""
    trigger = _locked(trigger)
    trigger.name = trigger.name if name is None else name
    trigger.overlap = trigger.overlap if overlap is None else overlap
    return _saved(trigger, trigger.config if config is None else config)


@transaction.atomic
def set_enabled(trigger: Trigger, enabled: bool, *, user: User) -> Trigger:
    """Pause a trigger, or let it go on."""
    trigger = _locked(trigger)
    if trigger.enabled != enabled:
        trigger.enabled = enabled
        trigger.save(update_fields=["enabled", "updated_at"])
        if kinds.find(trigger.kind).has_times:
            change: Literal["resume", "pause"] = "resume" if enabled else "pause"
            enqueue_schedule_change(name_of(trigger), change, note=f"{change} by account {user.pk}")
    return trigger


@transaction.atomic
def renew_key(trigger: Trigger) -> Trigger:
    """Give a trigger another key. The one before counts until drop_previous_key, and no other. Raises ValidationError."""
    trigger = _locked(trigger)
    kind = kinds.find(trigger.kind)
    if not (kind.has_token or kind.signs == "standard"):
        raise ValidationError(f"{trigger.name} has no key of its own.")
    trigger.generation += 1
    trigger.keeps_previous = True
    if kind.has_token:
        trigger.previous_digest, trigger.token_digest = trigger.token_digest, keys.new_digest(trigger)
    trigger.save()
    return trigger


@transaction.atomic
def drop_previous_key(trigger: Trigger) -> Trigger:
    """Let the newest key alone count."""
    trigger = _locked(trigger)
    trigger.keeps_previous, trigger.previous_digest = False, None
    trigger.save()
    return trigger


def _saved(trigger: Trigger, config: Mapping[str, Any]) -> Trigger:
    kind = kinds.find(trigger.kind)
    trigger.config = kind.read(config).model_dump()
    trigger.full_clean()
    trigger.save()
    if kind.has_times:
        enqueue_schedule(schedule_of(trigger), key=str(uuid4()))
    return trigger


def _locked(trigger: Trigger) -> Trigger:
    return Trigger.objects.select_for_update(of=("self",)).select_related("workflow").get(pk=trigger.pk)
