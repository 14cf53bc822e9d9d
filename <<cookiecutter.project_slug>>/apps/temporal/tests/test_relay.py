"""What the outbox holds reaches Temporal: once, in order, in time, or it says why not."""

import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.db import connections, transaction
from django.utils import timezone
from pytest_django import Settings
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from apps.development.testing import NOWHERE, PATIENCE, Temporal
from apps.temporal import client, models, relay, senders
from apps.temporal.exceptions import ExecutionFailed, ExecutionNotFound, TemporalUnavailable
from apps.temporal.models import OutboxMessage
from apps.temporal.outbox import enqueue_start
from tests.installation import wait_until


@dataclass(frozen=True, kw_only=True)
class Wanted:
    batch_id: str
    action: str = "no such action"


def enqueue(*workflow_ids: str) -> list[OutboxMessage]:
    with transaction.atomic():
        return [enqueue_start("batch_processing", Wanted(batch_id="any"), workflow_id=id_) for id_ in workflow_ids]


def make_due() -> None:
    OutboxMessage.objects.update(next_attempt_at=timezone.now())


@pytest.fixture
def nobody(settings: Settings) -> str:
    """An address where nothing listens."""
    settings.TEMPORAL_ADDRESS = NOWHERE
    return NOWHERE


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The aggregates of what is sent, in its order; `broken` ones are answered with an error that may pass."""
    order: list[str] = []
    real = senders.send

    async def send(connected: Client, message: OutboxMessage) -> None:
        if message.aggregate_id.startswith("broken"):
            raise RPCError("busy", RPCStatusCode.RESOURCE_EXHAUSTED, b"")
        await real(connected, message)
        order.append(message.aggregate_id)

    monkeypatch.setattr(relay, "send", send)
    return order


@pytest.fixture
def nudging(settings: Settings) -> Iterator[None]:
    """Commits nudge the relay. Its thread keeps its database connection, which the test's database cannot outlive."""
    settings.TEMPORAL_RELAY_ON_COMMIT = True
    nudger = relay._nudger(os.getpid())
    yield
    nudger.thread.submit(connections.close_all).result(PATIENCE)
    # What was away for this test is not for the next.
    nudger.away_until = 0.0


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("nudging")
def test_a_commit_sends_at_once_and_a_rollback_never(server: str) -> None:
    unique = uuid4()

    with transaction.atomic():
        enqueue(f"rolled-back-{unique}")
        transaction.set_rollback(True)
    (message,) = enqueue(f"committed-{unique}")

    wait_until(lambda: OutboxMessage.objects.get().status == "sent", seconds=PATIENCE)
    message.refresh_from_db()
    assert message.sent_at is not None
    assert client.describe(f"committed-{unique}").status == "running"
    with pytest.raises(ExecutionNotFound):
        client.describe(f"rolled-back-{unique}")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("nudging")
def test_a_commit_succeeds_and_does_not_wait_when_temporal_is_away(nobody: str) -> None:

    enqueue("accepted")

    wait_until(lambda: nobody in OutboxMessage.objects.get().last_error, seconds=PATIENCE)
    assert OutboxMessage.objects.get().status == "pending"


@pytest.mark.django_db
def test_what_is_due_is_sent_oldest_first(server: str, sent: list[str]) -> None:
    ids = [f"due-{n}-{uuid4()}" for n in range(3)]
    enqueue(*ids)

    assert relay.deliver_due(limit=2) == 2
    assert set(sent) == set(ids[:2])
    assert relay.deliver_due() == 1
    assert relay.deliver_due() == 0

    assert {client.describe(workflow_id).status for workflow_id in ids} == {"running"}


@pytest.mark.django_db
def test_without_a_server_messages_stay_due_and_no_attempt_is_counted(
    nobody: str, temporal_server: str, settings: Settings
) -> None:
    (message,) = enqueue(workflow_id := f"late-{uuid4()}")

    for _ in range(2):
        with pytest.raises(TemporalUnavailable, match=nobody):
            relay.deliver_due()
    message.refresh_from_db()
    assert (message.status, message.attempts, message.leased_until) == ("pending", 0, None)
    assert nobody in message.last_error

    settings.TEMPORAL_ADDRESS = temporal_server
    assert relay.deliver_due() == 1
    message.refresh_from_db()
    assert (message.status, message.last_error) == ("sent", "")
    assert client.describe(workflow_id).status == "running"


@pytest.mark.django_db
def test_a_namespace_that_is_missing_is_waited_for(server: str, settings: Settings) -> None:
    settings.TEMPORAL_NAMESPACE = "not-made-yet"
    (message,) = enqueue("any")

    with pytest.raises(TemporalUnavailable, match="not-made-yet"):
        relay.deliver_due()

    message.refresh_from_db()
    assert (message.status, message.attempts) == ("pending", 0)


@pytest.mark.django_db
def test_a_message_that_fails_waits_longer_each_time_until_it_is_dead_and_others_are_sent(
    server: str, settings: Settings, sent: list[str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TEMPORAL_OUTBOX_ATTEMPTS = 9
    broken, _good = enqueue("broken", good_id := f"good-{uuid4()}")
    waits = []

    def deliver() -> datetime:
        """At one moment, which it gives."""
        make_due()
        now = timezone.now()
        with monkeypatch.context() as clock:
            clock.setattr(models, "timezone", SimpleNamespace(now=lambda: now))
            relay.deliver_due()
        return now

    for attempt in range(1, 9):
        began = deliver()
        broken.refresh_from_db()
        assert (broken.status, broken.attempts, broken.last_error) == ("pending", attempt, "RPCError: busy")
        waits.append((broken.next_attempt_at - began) / timedelta(seconds=1))
    deliver()

    broken.refresh_from_db()
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    assert (broken.status, broken.attempts, sent) == ("dead", 9, [good_id])
    assert "message_dead" in caplog.messages
    make_due()
    assert relay.deliver_due() == 0


@pytest.mark.django_db
def test_a_start_that_can_never_be_is_dead_at_once_and_the_next_one_is_sent(server: str, settings: Settings) -> None:
    settings.TEMPORAL_TASK_QUEUE = ""
    (refused,) = enqueue("refused")
    settings.TEMPORAL_TASK_QUEUE = "any"
    (good,) = enqueue(f"good-{uuid4()}")

    assert relay.deliver_due() == 1

    refused.refresh_from_db()
    good.refresh_from_db()
    assert (refused.status, refused.attempts, good.status) == ("dead", 1, "sent")
    assert refused.last_error.startswith("Temporal refused the start of refused")


@pytest.mark.django_db
def test_a_start_that_arrived_unnoticed_is_not_started_again(temporal: Temporal) -> None:
    (message,) = enqueue(workflow_id := f"unnoticed-{uuid4()}")
    relay.deliver_due()
    with pytest.raises(ExecutionFailed, match="did not complete"):
        client.result(workflow_id, timeout=PATIENCE)
    first = client.describe(workflow_id).run_id

    OutboxMessage.objects.exclude(pk=message.pk).delete()
    OutboxMessage.objects.update(status="pending")
    assert relay.deliver_due() == 1

    message.refresh_from_db()
    assert message.status == "sent"
    assert client.describe(workflow_id).run_id == first


@pytest.mark.django_db
def test_what_a_relay_has_claimed_is_left_to_it_until_its_lease_ends(server: str, sent: list[str]) -> None:
    enqueue(workflow_id := f"claimed-{uuid4()}")

    (claimed,) = OutboxMessage.objects.claim(10)
    assert relay.deliver_due() == 0
    OutboxMessage.objects.filter(pk=claimed.pk).update(leased_until=timezone.now())

    assert relay.deliver_due() == 1
    assert sent == [workflow_id]


@pytest.mark.django_db
def test_a_server_that_goes_away_during_a_round_leaves_the_rest_due(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    enqueue(*(f"between-{n}-{uuid4()}" for n in range(3)))
    real, calls = senders.send, iter(range(3))

    async def send_then_lose(connected: Client, message: OutboxMessage) -> None:
        if next(calls):
            raise RPCError("gone", RPCStatusCode.UNAVAILABLE, b"")
        await real(connected, message)

    monkeypatch.setattr(relay, "send", send_then_lose)
    with pytest.raises(TemporalUnavailable, match="gone"):
        relay.deliver_due()

    states = list(OutboxMessage.objects.order_by("pk").values_list("status", "attempts", "leased_until"))
    assert states == [("sent", 0, None), ("pending", 0, None), ("pending", 0, None)]


@pytest.mark.django_db
@pytest.mark.parametrize(("problem", "attempts"), [("", 1), ("the server is silent", 0)], ids=["message", "server"])
def test_silence_counts_as_an_attempt_only_when_the_server_answers_otherwise(
    server: str, monkeypatch: pytest.MonkeyPatch, problem: str, attempts: int
) -> None:
    enqueue("slow")

    async def time_out(_connected: Client, _message: OutboxMessage) -> None:
        raise TimeoutError

    monkeypatch.setattr(relay, "send", time_out)
    monkeypatch.setattr(client, "health", lambda: problem)
    with suppress(TemporalUnavailable):
        relay.deliver_due()

    message = OutboxMessage.objects.get()
    assert (message.status, message.attempts) == ("pending", attempts)


@pytest.mark.django_db
def test_a_queue_that_nobody_polls_is_warned_of_once_a_minute(
    server: str, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.TEMPORAL_TASK_QUEUE = f"forgotten-{uuid4()}"

    for _ in range(2):
        enqueue(str(uuid4()))
        relay.deliver_due()

    with caplog.at_level(logging.WARNING):
        assert caplog.messages.count("nobody_polls") == 1


@pytest.mark.django_db
def test_a_queue_that_is_polled_is_not_warned_of(temporal: Temporal, caplog: pytest.LogCaptureFixture) -> None:
    temporal.execute("batch_processing", {"batch_id": str(uuid4()), "rows": {"model": "users.User"}})
    enqueue(str(uuid4()))

    relay.deliver_due()

    assert "nobody_polls" not in caplog.messages


@pytest.mark.django_db
def test_what_was_sent_long_ago_is_deleted_and_nothing_else(settings: Settings) -> None:
    settings.TEMPORAL_OUTBOX_RETENTION = 30
    enqueue(*(f"{status}-{age}" for status in ("sent", "canceled", "dead", "pending") for age in (29, 31)))
    for message in OutboxMessage.objects.all():
        status, age = message.aggregate_id.split("-")
        created = timezone.now() - timedelta(days=int(age))
        OutboxMessage.objects.filter(pk=message.pk).update(status=status, created_at=created)

    assert OutboxMessage.objects.clean_up() == 2

    left = set(OutboxMessage.objects.values_list("aggregate_id", flat=True))
    assert left == {"sent-29", "canceled-29", "dead-29", "dead-31", "pending-29", "pending-31"}
