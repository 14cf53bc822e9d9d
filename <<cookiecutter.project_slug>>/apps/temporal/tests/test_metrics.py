"""What Prometheus reads from a worker."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from urllib.request import urlopen
from uuid import uuid4

import pytest
from django.core.management.base import CommandError
from pytest_django import DjangoAssertNumQueries, Settings
from temporalio.client import Client

from apps.development.ports import free_port
from apps.development.testing import PATIENCE, EventLoopThread
from apps.temporal import metrics
from apps.temporal.metrics import OutboxGauges, worker_runtime
from apps.temporal.models import OutboxMessage
from apps.temporal.plugin import DjangoPlugin

type Scrape = Callable[[], dict[str, float]]
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def scrape(settings: Settings) -> Scrape:
    """Reads the metrics on a port of the test's own: values by name and labels."""
    settings.TEMPORAL_METRICS_ADDRESS = f"127.0.0.1:{free_port()}"

    def read() -> dict[str, float]:
        with urlopen(f"http://{settings.TEMPORAL_METRICS_ADDRESS}/metrics", timeout=PATIENCE) as response:
            lines = response.read().decode().splitlines()
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}

    return read


@pytest.fixture(autouse=True)
def _stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is NOW, and the time until the next refresh does not pass."""
    monkeypatch.setattr(metrics, "timezone", SimpleNamespace(now=lambda: NOW))
    monkeypatch.setattr(metrics, "time", SimpleNamespace(monotonic=lambda: 1.0))


def message(status: str, *, age: float = 0) -> None:
    """An outbox message, written `age` seconds ago."""
    row = OutboxMessage.objects.create(kind="start", aggregate_id="a", dedupe_key=str(uuid4()), payload={}, status=status)
    OutboxMessage.objects.filter(pk=row.pk).update(created_at=NOW - timedelta(seconds=age))


@pytest.mark.django_db
def test_the_outbox_is_counted_and_its_oldest_message_timed(
    scrape: Scrape, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    runtime = worker_runtime()
    gauges = OutboxGauges(runtime)
    message("pending", age=90)
    message("pending")
    message("dead", age=900)
    message("sent", age=9000)

    with django_assert_num_queries(1):
        gauges.refresh()
        gauges.refresh()

    found = scrape()
    assert found['outbox_messages{status="pending"}'] == 2
    assert found['outbox_messages{status="dead"}'] == 1
    assert found["outbox_oldest_pending_seconds"] == 90


@pytest.mark.django_db
def test_an_outbox_that_was_emptied_shows_nothing(scrape: Scrape) -> None:
    runtime = worker_runtime()
    gauges = OutboxGauges(runtime)
    message("pending", age=90)
    gauges.refresh()

    OutboxMessage.objects.all().delete()
    gauges.next_refresh = 0
    gauges.refresh()

    found = scrape()
    assert [value for name, value in sorted(found.items()) if name.startswith("outbox")] == [0, 0, 0]


def test_the_sdks_own_metrics_are_there_in_seconds(scrape: Scrape, loop_thread: EventLoopThread, temporal_server: str) -> None:
    runtime = worker_runtime()

    async def ask() -> None:
        client = await Client.connect(temporal_server, plugins=[DjangoPlugin()], runtime=runtime)
        await client.count_workflows()

    loop_thread.run(ask())

    names = {re.split("[{ ]", name)[0] for name in scrape()}
    assert {"temporal_request_total", "temporal_request_latency_seconds_bucket"} <= names


def test_a_taken_port_is_named(settings: Settings, scrape: Scrape) -> None:
    first = worker_runtime()

    with pytest.raises(
        CommandError, match=f"^TEMPORAL_METRICS_ADDRESS={settings.TEMPORAL_METRICS_ADDRESS} cannot be used: .*in use"
    ):
        worker_runtime()
    assert first is not None
