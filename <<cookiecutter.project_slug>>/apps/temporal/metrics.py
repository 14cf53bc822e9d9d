"""Metrics of a worker for Prometheus, on TEMPORAL_METRICS_ADDRESS: the SDK's own, and the outbox's through the SDK."""

import time

from django.conf import settings
from django.core.management.base import CommandError
from django.db.models import Count, Min
from django.utils import timezone
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from apps.temporal.conf import sdk_logging
from apps.temporal.models import OutboxMessage

REFRESH_SECONDS = 5.0


def worker_runtime() -> Runtime:
    """What a worker's client runs on. Prometheus can ask it if the setting says where; raises CommandError if that is taken."""
    address, metrics = settings.TEMPORAL_METRICS_ADDRESS, None
    if address:
        metrics = PrometheusConfig(address, counters_total_suffix=True, unit_suffix=True, durations_as_seconds=True)
    try:
        return Runtime(telemetry=TelemetryConfig(logging=sdk_logging(), metrics=metrics, attach_service_name=False))
    except ValueError as error:
        raise CommandError(f"TEMPORAL_METRICS_ADDRESS={address} cannot be used: {error}.") from error


class OutboxGauges:
    """How much waits in the outbox, and how long. All workers show the same figures: they share the outbox."""

    def __init__(self, runtime: Runtime) -> None:
        meter = runtime.metric_meter
        self.messages = meter.create_gauge("outbox_messages", "Outbox messages that are pending or dead")
        self.oldest = meter.create_gauge_float("outbox_oldest_pending_seconds", "Age of the oldest pending outbox message")
        self.next_refresh = 0.0

    def refresh(self) -> None:
        """Ask the database, at most every REFRESH_SECONDS."""
        if time.monotonic() < self.next_refresh:
            return
        self.next_refresh = time.monotonic() + REFRESH_SECONDS
        shown = (OutboxMessage.Status.PENDING, OutboxMessage.Status.DEAD)
        rows = OutboxMessage.objects.filter(status__in=shown).order_by().values("status")
        found = {row["status"]: row for row in rows.annotate(number=Count("pk"), oldest=Min("created_at"))}
        for status in shown:
            self.messages.set(found[status]["number"] if status in found else 0, {"status": status.value})
        pending = found.get(OutboxMessage.Status.PENDING)
        self.oldest.set(max(0.0, (timezone.now() - pending["oldest"]).total_seconds()) if pending else 0.0)
