"""The outbox: what must be told to Temporal, stored by the transaction that made it necessary."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

# Longer than a relay may take over a message: after it the relay is taken for dead and another one sends the message again.
LEASE = timedelta(seconds=60)
MAX_BACK_OFF = timedelta(minutes=1)


class OutboxQuerySet(models.QuerySet["OutboxMessage"]):
    """What the relay asks for and records."""

    def due(self, now: datetime) -> "OutboxQuerySet":
        """Messages to send now, oldest first: of each aggregate the first that waits, so that none overtakes another."""
        waiting = Q(status=OutboxMessage.Status.PENDING)
        earlier = OutboxMessage.objects.filter(waiting, aggregate_id=OuterRef("aggregate_id"), pk__lt=OuterRef("pk"))
        free = Q(leased_until=None) | Q(leased_until__lte=now)
        return self.filter(waiting, free, ~Exists(earlier), next_attempt_at__lte=now).order_by("pk")

    def is_any_due(self) -> bool:
        """Whether there is something to claim."""
        return self.due(timezone.now()).exists()

    def claim(self, limit: int) -> "list[OutboxMessage]":
        """Take up to `limit` due messages, so that no other relay does while the lease lasts."""
        now = timezone.now()
        with transaction.atomic():
            claimed = list(self.due(now).select_for_update(skip_locked=True)[:limit])
            self._of(claimed).update(leased_until=now + LEASE)
        return claimed

    def record_sent(self, messages: "Iterable[OutboxMessage]") -> int:
        """Temporal has them. Gives their number."""
        return self._of(messages).update(
            status=OutboxMessage.Status.SENT, sent_at=timezone.now(), last_error="", leased_until=None
        )

    def release(self, messages: "Iterable[OutboxMessage]", reason: str) -> None:
        """Temporal is away, which is not their fault: they stay due and their attempts are not counted."""
        self._of(messages).update(last_error=reason, leased_until=None)

    def retry(self) -> int:
        """Send dead messages after all. Gives their number."""
        dead = self.filter(status=OutboxMessage.Status.DEAD)
        return dead.update(status=OutboxMessage.Status.PENDING, attempts=0, next_attempt_at=timezone.now())

    def clean_up(self) -> int:
        """Delete what was sent or cancelled TEMPORAL_OUTBOX_RETENTION days ago. Gives their number."""
        done = self.filter(status__in=[OutboxMessage.Status.SENT, OutboxMessage.Status.CANCELED])
        before = timezone.now() - timedelta(days=settings.TEMPORAL_OUTBOX_RETENTION)
        return done.filter(created_at__lt=before).delete()[0]

    def _of(self, messages: "Iterable[OutboxMessage]") -> "OutboxQuerySet":
        return self.filter(pk__in=[message.pk for message in messages])


class OutboxMessage(models.Model):
    """One message to Temporal. Written by outbox.py, sent by relay.py.

    `aggregate_id` is the workflow or schedule id it concerns: its messages arrive in their order. `payload` is what the kind
    needs, as plain JSON. `dedupe_key` makes a second message for the same cause impossible.
    """

    class Kind(models.TextChoices):
        START = "start"
        SIGNAL = "signal"
        UPDATE = "update"
        CANCEL = "cancel"
        TERMINATE = "terminate"
        RESET = "reset"
        SCHEDULE = "schedule"
        ACTIVITY = "activity"

    class Status(models.TextChoices):
        PENDING = "pending"
        SENT = "sent"
        CANCELED = "canceled"
        DEAD = "dead"

    kind = models.CharField(max_length=20, choices=Kind)
    aggregate_id = models.CharField(max_length=255, db_index=True)
    dedupe_key = models.CharField(max_length=600, unique=True)
    payload = models.JSONField()
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    leased_until = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    objects = OutboxQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=Q(status="pending"), name="outbox_due"),
            models.Index(fields=["aggregate_id", "id"], condition=Q(status="pending"), name="outbox_order"),
            models.Index(fields=["status"], condition=Q(status__in=["pending", "dead"]), name="outbox_open"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.aggregate_id} ({self.status})"

    def is_leased(self, now: datetime) -> bool:
        """Whether a relay may be sending it."""
        return self.leased_until is not None and self.leased_until > now

    def failed(self, reason: str, *, final: bool) -> bool:
        """Record a failed attempt: tried again after 1, 2, 4 … 60 seconds. Gives whether it was the last.

        It is when `final` says so, or after TEMPORAL_OUTBOX_ATTEMPTS of them.
        """
        dead = final or self.attempts + 1 >= settings.TEMPORAL_OUTBOX_ATTEMPTS
        type(self).objects.filter(pk=self.pk).update(
            attempts=F("attempts") + 1,
            last_error=reason,
            leased_until=None,
            status=self.Status.DEAD if dead else self.Status.PENDING,
            next_attempt_at=timezone.now() + min(timedelta(seconds=2 ** min(self.attempts, 10)), MAX_BACK_OFF),
        )
        return dead
