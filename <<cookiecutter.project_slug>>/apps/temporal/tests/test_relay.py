"""What the outbox holds reaches Temporal: once, in time, or it says why not."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections, transaction
from django.utils import timezone
from pytest_django import Settings

from apps.temporal import client, relay
from apps.temporal.devserver import free_port
from apps.temporal.exceptions import ExecutionFailed, ExecutionNotFound, TemporalUnavailable
from apps.temporal.models import OutboxMessage
from apps.temporal.outbox import enqueue_start
from apps.temporal.testing import Temporal
from tests.installation import wait_until


@dataclass(frozen=True, kw_only=True)
class Wanted:
    batch_id: str
    action: str = "no such action"


def enqueue(*workflow_ids: str, batch_id: str = "any") -> list[OutboxMessage]:
    with transaction.atomic():
        return [enqueue_start("batch_processing", Wanted(batch_id=batch_id), workflow_id=id_) for id_ in workflow_ids]


def make_due() -> None:
    OutboxMessage.objects.update(next_attempt_at=timezone.now())


@pytest.fixture
def nobody(settings: Settings) -> str:
    """An address where nothing listens."""
    address = settings.TEMPORAL_ADDRESS = f"127.0.0.1:{free_port()}"
    return address


@pytest.mark.django_db(transaction=True)
def test_a_commit_sends_at_once_and_a_rollback_never(server: str, settings: Settings) -> None:
    settings.TEMPORAL_RELAY_ON_COMMIT = True
    unique = uuid4()

    with transaction.atomic():
        enqueue(f"rolled-back-{unique}")
        transaction.set_rollback(True)
    (message,) = enqueue(f"committed-{unique}")

    wait_until(lambda: OutboxMessage.objects.get().status == "sent", seconds=10)
    message.refresh_from_db()
    assert message.sent_at is not None
    assert client.describe(f"committed-{unique}").status == "running"
    with pytest.raises(ExecutionNotFound):
        client.describe(f"rolled-back-{unique}")


@pytest.mark.django_db(transaction=True)
def test_a_commit_succeeds_and_does_not_wait_when_temporal_is_away(nobody: str, settings: Settings) -> None:
    settings.TEMPORAL_RELAY_ON_COMMIT = True

    enqueue("accepted")

    wait_until(lambda: OutboxMessage.objects.get().attempts == 1, seconds=10)
    message = OutboxMessage.objects.get()
    assert message.status == "pending"
    assert nobody in message.last_error


@pytest.mark.django_db
def test_what_is_due_is_sent_oldest_first(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [f"due-{n}-{uuid4()}" for n in range(3)]
    enqueue(*ids)
    started: list[str] = []
    monkeypatch.setattr(client, "start_workflow", _noting(started, client.start_workflow))

    assert relay.deliver_due(limit=2) == 2
    assert relay.deliver_due() == 1
    assert relay.deliver_due() == 0

    assert started == ids
    assert {client.describe(workflow_id).status for workflow_id in ids} == {"running"}


@pytest.mark.django_db
def test_without_a_server_a_start_waits_longer_each_time_and_the_rest_is_not_tried(nobody: str) -> None:
    first, second = enqueue("first", "second")
    waits = []

    for attempt in range(1, 9):
        make_due()
        began = timezone.now()
        assert relay.deliver_due() == 0
        first.refresh_from_db()
        assert (first.status, first.attempts) == ("pending", attempt)
        waits.append(round((first.next_attempt_at - began) / timedelta(seconds=1)))

    second.refresh_from_db()
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    assert (second.status, second.attempts) == ("pending", 0)


@pytest.mark.django_db
def test_it_is_sent_once_the_server_is_there(nobody: str, temporal_server: str, settings: Settings) -> None:
    (message,) = enqueue(workflow_id := f"late-{uuid4()}")
    relay.deliver_due()

    settings.TEMPORAL_ADDRESS = temporal_server
    assert relay.deliver_due() == 0, "not due yet"
    make_due()
    assert relay.deliver_due() == 1

    message.refresh_from_db()
    assert (message.status, message.attempts, message.last_error) == ("sent", 1, "")
    assert client.describe(workflow_id).status == "running"


@pytest.mark.django_db
def test_a_namespace_that_is_missing_is_waited_for(server: str, settings: Settings) -> None:
    settings.TEMPORAL_NAMESPACE = "not-made-yet"
    (message,) = enqueue("any")

    assert relay.deliver_due() == 0

    message.refresh_from_db()
    assert (message.status, message.attempts) == ("pending", 1)
    assert "not-made-yet" in message.last_error


@pytest.mark.django_db
@pytest.mark.parametrize("too_much", ["", "a" * 3 * 2**20], ids=["no queue", "3 MiB"])
def test_a_start_that_can_never_be_is_dead_and_the_next_one_is_sent(server: str, settings: Settings, too_much: str) -> None:
    settings.TEMPORAL_TASK_QUEUE = "any" if too_much else ""
    (refused,) = enqueue("refused", batch_id=too_much)
    settings.TEMPORAL_TASK_QUEUE = "any"
    (good,) = enqueue(f"good-{uuid4()}")

    assert relay.deliver_due() == 1

    refused.refresh_from_db()
    good.refresh_from_db()
    assert (refused.status, refused.attempts, good.status) == ("dead", 1, "sent")
    assert refused.last_error.startswith("Temporal refused to start refused")
    make_due()
    assert relay.deliver_due() == 0


@pytest.mark.django_db
def test_a_start_that_arrived_unnoticed_is_not_started_again(temporal: Temporal) -> None:
    (message,) = enqueue(workflow_id := f"unnoticed-{uuid4()}")
    relay.deliver_due()
    with pytest.raises(ExecutionFailed, match="did not complete"):
        client.result(workflow_id, timeout=20)
    first = client.describe(workflow_id).run_id

    OutboxMessage.objects.update(status="pending")
    assert relay.deliver_due() == 1

    message.refresh_from_db()
    assert message.status == "sent"
    assert client.describe(workflow_id).run_id == first


@pytest.mark.django_db
def test_a_cancel_that_crosses_the_start_reaches_the_server(temporal: Temporal, monkeypatch: pytest.MonkeyPatch) -> None:
    (message,) = enqueue(workflow_id := f"crossed-{uuid4()}")
    real = client.start_workflow

    def start_while_cancelled(*args: Any, **options: Any) -> None:
        real(*args, **options | {"task_queue": "nobody-polls-this"})
        OutboxMessage.objects.update(status="canceled")

    monkeypatch.setattr(client, "start_workflow", start_while_cancelled)
    relay.deliver_due()

    message.refresh_from_db()
    history = temporal.run(temporal.client.get_workflow_handle(workflow_id).fetch_history())
    assert message.status == "canceled"
    assert any(event.HasField("workflow_execution_cancel_requested_event_attributes") for event in history.events)


@pytest.mark.django_db(transaction=True)
def test_two_relays_at_once_start_each_execution_once(server: str) -> None:
    ids = [f"raced-{n}-{uuid4()}" for n in range(20)]
    enqueue(*ids)
    together = threading.Barrier(2)

    def deliver(_: int) -> dict[str, str]:
        together.wait(10)
        try:
            relay.deliver_due()
            return {workflow_id: client.describe(workflow_id).run_id for workflow_id in ids}
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(deliver, range(2))

    assert one == other
    assert set(OutboxMessage.objects.values_list("status", flat=True)) == {"sent"}


@pytest.mark.django_db
def test_a_server_that_goes_away_stops_the_round(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    enqueue(*(f"between-{n}-{uuid4()}" for n in range(3)))
    started: list[str] = []
    noting = _noting(started, client.start_workflow)

    def start_then_lose(*args: Any, **options: Any) -> None:
        if started:
            raise TemporalUnavailable("gone")
        noting(*args, **options)

    monkeypatch.setattr(client, "start_workflow", start_then_lose)
    sent = relay.deliver_due()

    states = list(OutboxMessage.objects.order_by("pk").values_list("status", "attempts"))
    assert (sent, states) == (1, [("sent", 0), ("pending", 1), ("pending", 0)])


def _noting(started: list[str], real: Callable[..., None]) -> Callable[..., None]:
    def start(*args: Any, workflow_id: str, **options: Any) -> None:
        real(*args, workflow_id=workflow_id, **options)
        started.append(workflow_id)

    return start
