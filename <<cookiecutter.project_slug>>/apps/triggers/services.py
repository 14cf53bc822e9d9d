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
    trigger.config = wanted.read(config).model_dump()
    return _saved(trigger)


@transaction.atomic
def change_trigger(
    trigger: Trigger,
    *,
    user: User,
    name: str | None = None,
    config: Mapping[str, Any] | None = None,
    overlap: str | None = None,
) -> Trigger:
    """Change what is given; its kind and its keys stay. Who gives it another configuration is responsible for it from then on.

    Raises ValidationError by field name.
    """
    trigger = _locked(trigger)
    before = trigger.config
    trigger.name = trigger.name if name is None else name
    trigger.overlap = trigger.overlap if overlap is None else overlap
    trigger.config = kinds.find(trigger.kind).read(before if config is None else config).model_dump()
    if config is not None and trigger.config != before:
        trigger.created_by = user
    return _saved(trigger)


@transaction.atomic
def set_enabled(trigger: Trigger, enabled: bool, *, user: User) -> Trigger:
    """Pause a trigger, or let it go on. Who lets it go on is responsible for it from then on."""
    trigger = _locked(trigger)
    if trigger.enabled != enabled:
        trigger.enabled = enabled
        trigger.created_by = user if enabled else trigger.created_by
        trigger.save(update_fields=["enabled", "created_by", "updated_at"])
        if kinds.find(trigger.kind).has_times:
            change: Literal["resume", "pause"] = "resume" if enabled else "pause"
            enqueue_schedule_change(name_of(trigger), change, note=f"{change} by account {user.pk}")
    return trigger


@transaction.atomic
def renew_key(trigger: Trigger, *, user: User) -> Trigger:
    """Give a trigger another key, and have that account be responsible for it from then on. Raises ValidationError.

    The key before counts until drop_previous_key, and no other.
    """
    trigger = _locked(trigger)
    kind = kinds.find(trigger.kind)
    if not (kind.has_token or kind.signs == "standard"):
        raise ValidationError(f"{trigger.name} has no key of its own.")
    trigger.generation += 1
    trigger.keeps_previous, trigger.created_by = True, user
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


def _saved(trigger: Trigger) -> Trigger:
    trigger.full_clean()
    trigger.save()
    if kinds.find(trigger.kind).has_times:
        enqueue_schedule(schedule_of(trigger), key=str(uuid4()))
    return trigger


def _locked(trigger: Trigger) -> Trigger:
    return Trigger.objects.select_for_update(of=("self",)).select_related("workflow").get(pk=trigger.pk)
