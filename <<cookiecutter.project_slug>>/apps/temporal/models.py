"""The outbox: what must be told to Temporal, stored by the transaction that made it necessary."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models
from django.utils import timezone

MAX_BACK_OFF = timedelta(minutes=1)


class OutboxQuerySet(models.QuerySet["OutboxMessage"]):
    """What the relay asks for."""

    def due(self, now: datetime) -> "OutboxQuerySet":
        """Messages to send now, oldest first."""
        return self.filter(status=OutboxMessage.Status.PENDING, next_attempt_at__lte=now).order_by("pk")


class OutboxMessage(models.Model):
    """One message to Temporal. Written by outbox.py, sent by relay.py.

    `aggregate_id` is the workflow id it concerns, `payload` what the kind needs, as plain JSON. `dedupe_key` makes a second
    message for the same cause impossible.
    """

    class Kind(models.TextChoices):
        START = "start"

    class Status(models.TextChoices):
        PENDING = "pending"
        SENT = "sent"
        CANCELED = "canceled"
        DEAD = "dead"

    kind = models.CharField(max_length=20, choices=Kind)
    aggregate_id = models.CharField(max_length=255, db_index=True)
    dedupe_key = models.CharField(max_length=300, unique=True)
    payload = models.JSONField()
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    objects = OutboxQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        indexes: ClassVar = [
            models.Index(fields=["next_attempt_at"], condition=models.Q(status="pending"), name="outbox_due"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.aggregate_id} ({self.status})"

    def sent(self) -> bool:
        """Record that Temporal has it. False when it was cancelled meanwhile."""
        mine = type(self).objects.filter(pk=self.pk).exclude(status=self.Status.CANCELED)
        return bool(mine.update(status=self.Status.SENT, sent_at=timezone.now(), last_error=""))

    def failed(self, reason: str, *, final: bool) -> None:
        """Record a failed attempt: tried again after 1, 2, 4 … 60 seconds, or never when `final`."""
        type(self).objects.filter(pk=self.pk, status=self.Status.PENDING).update(
            attempts=self.attempts + 1,
            last_error=reason,
            status=self.Status.DEAD if final else self.Status.PENDING,
            next_attempt_at=timezone.now() + min(timedelta(seconds=2 ** min(self.attempts, 10)), MAX_BACK_OFF),
        )
