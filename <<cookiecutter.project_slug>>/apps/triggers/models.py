"""What starts workflows that people have defined, and what became of each time that something wanted to."""

from typing import Any, ClassVar, Self
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.executions.models import Execution
from apps.workflows.models import Workflow
from apps.workflows.ordered import OrderedJSONField


class TriggerQuerySet(models.QuerySet["Trigger"]):
    """Triggers."""

    def visible_to(self, user: Any) -> Self:
        """Those of the workflows that an account may see."""
        return self.filter(workflow__in=Workflow.objects.visible_to(user))


class Trigger(models.Model):
    """Something that starts a workflow. Its kind says what stands in `config`: kinds.py.

    `generation` counts its keys, which are nowhere stored: keys.py. `token_digest` finds a trigger that has a link or an
    address of its own; while `keeps_previous`, the key before counts, too. `created_by` is who is responsible for what it
    starts: who made it, or has changed `config`, resumed it or renewed its key since.
    """

    class Overlap(models.TextChoices):
        ALLOW = "allow", "start another one beside it"
        SKIP = "skip", "do not start"
        CANCEL_OTHER = "cancel_other", "cancel it and start"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="triggers")
    kind = models.CharField(max_length=20)
    name = models.CharField(max_length=100)
    config = OrderedJSONField(default=dict, blank=True)
    enabled = models.BooleanField(default=True)
    overlap = models.CharField(max_length=12, choices=Overlap, default=Overlap.ALLOW)
    generation = models.PositiveIntegerField(default=1)
    keeps_previous = models.BooleanField(default=False)
    token_digest = models.CharField(max_length=64, null=True, blank=True, unique=True)
    previous_digest = models.CharField(max_length=64, null=True, blank=True, unique=True)
    last_fired_at = models.DateTimeField(null=True, blank=True)
    fired_count = models.PositiveIntegerField(default=0)
    last_error = models.TextField(blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    objects = TriggerQuerySet.as_manager()

    class Meta:
        ordering = ("name", "id")

    def __str__(self) -> str:
        return self.name


class TriggerEvent(models.Model):
    """One time that a trigger was to start its workflow. The same `event_id` starts it once."""

    class Status(models.TextChoices):
        STARTED = "started"
        SKIPPED = "skipped"
        REFUSED = "refused"

    trigger = models.ForeignKey(Trigger, on_delete=models.CASCADE, related_name="events")
    event_id = models.CharField(max_length=300)
    status = models.CharField(max_length=7, choices=Status)
    execution = models.ForeignKey(Execution, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    error = models.TextField(blank=True)
    received_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-received_at", "-pk")
        constraints: ClassVar = [models.UniqueConstraint(fields=["trigger", "event_id"], name="one_event_an_id")]
        indexes: ClassVar = [models.Index(fields=["trigger", "-received_at"], name="trigger_newest")]

    def __str__(self) -> str:
        return f"{self.event_id} ({self.status})"
