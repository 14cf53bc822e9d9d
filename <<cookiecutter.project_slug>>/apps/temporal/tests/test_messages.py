"""Each kind of message has the effect of one, in its order, however often it is sent."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.db import transaction
from pytest_django import Settings
from temporalio.client import Client
from temporalio.worker import Worker

from apps.development.testing import PATIENCE, EventLoopThread
from apps.temporal import client, relay
from apps.temporal.exceptions import ExecutionFailed
from apps.temporal.models import OutboxMessage
from apps.temporal.outbox import cancel_execution, enqueue_signal, enqueue_start, enqueue_terminate, enqueue_update
from apps.temporal.tests.probe import Recorder

pytestmark = pytest.mark.django_db


@pytest.fixture
def recording(server: str, temporal_client: Client, loop_thread: EventLoopThread) -> Iterator[str]:
    """The id of an execution that ends with its third number."""
    workflow_id, queue = f"recorder-{uuid4()}", f"recorders-{uuid4()}"

    async def begin() -> tuple[Worker, asyncio.Task[None]]:
        worker = Worker(temporal_client, task_queue=queue, workflows=[Recorder])
        await temporal_client.start_workflow(Recorder.run, 3, id=workflow_id, task_queue=queue)
        return worker, asyncio.create_task(worker.run())

    async def end(worker: Worker, running: asyncio.Task[None]) -> None:
        await asyncio.gather(worker.shutdown(), running)

    working = loop_thread.run(begin())
    yield workflow_id
    loop_thread.run(end(*working))


def send_twice() -> None:
    """What happens when the relay dies after it sent and before it recorded that."""
    sent = list(OutboxMessage.objects.filter(status="pending"))
    while relay.deliver_due():
        pass
    OutboxMessage.objects.filter(pk__in=[message.pk for message in sent]).update(status="pending")
    while relay.deliver_due():
        pass


def test_signals_arrive_once_and_in_their_order(recording: str) -> None:
    for number in range(3):
        enqueue_signal(recording, "note", number, key=str(number))
        enqueue_signal(recording, "note", number, key=str(number))
    assert relay.deliver_due() == 1, "the second waits for the first"
    OutboxMessage.objects.update(status="pending")

    while relay.deliver_due():
        pass

    assert client.result(recording, timeout=PATIENCE) == [0, 1, 2]


def test_updates_arrive_once(recording: str) -> None:
    for number in (7, 8):
        enqueue_update(recording, "note_checked", number, key=str(number))
    send_twice()
    enqueue_signal(recording, "note", 9, key="9")
    relay.deliver_due()

    assert client.result(recording, timeout=PATIENCE) == [7, 8, 9]


def test_an_update_that_is_rejected_is_dead_with_the_reason(recording: str) -> None:
    message = enqueue_update(recording, "note_checked", -1, key="bad")

    relay.deliver_due()

    message.refresh_from_db()
    assert message.status == "dead"
    assert "rejected the update note_checked: ValueError: -1 is negative" in message.last_error


@pytest.mark.parametrize("kind", ["signal", "update"])
def test_a_message_to_an_execution_that_is_not_there_is_dead_with_the_reason(server: str, kind: str) -> None:
    tell = {"signal": enqueue_signal, "update": enqueue_update}[kind]
    message = tell("no-such-execution", "note", 1, key="1")

    relay.deliver_due()

    message.refresh_from_db()
    assert message.status == "dead"
    assert f"Temporal refused the {kind} of no-such-execution: " in message.last_error
    assert "not found" in message.last_error


def test_a_cancel_arrives(recording: str) -> None:
    assert cancel_execution(recording) is False
    send_twice()

    with pytest.raises(ExecutionFailed, match="cancelled"):
        client.result(recording, timeout=PATIENCE)


def test_a_terminate_ends_an_execution_with_its_reason(recording: str) -> None:
    enqueue_terminate(recording, reason="its tenant left")
    send_twice()

    with pytest.raises(ExecutionFailed, match="its tenant left"):
        client.result(recording, timeout=PATIENCE)
    history = client.run(lambda connected: connected.get_workflow_handle(recording).fetch_history())
    assert history.events[-1].workflow_execution_terminated_event_attributes.reason == "its tenant left"


def test_stopping_what_is_not_there_is_done(server: str) -> None:
    enqueue_terminate("no-such-execution", reason="any")

    assert relay.deliver_due() == 1


def test_a_cancel_during_the_sending_of_the_start_follows_it(server: str, settings: Settings) -> None:
    start = enqueue_start("batch_processing", {"batch_id": "any"}, workflow_id=(workflow_id := f"crossed-{uuid4()}"))
    (claimed,) = OutboxMessage.objects.claim(10)

    assert cancel_execution(workflow_id) is False
    assert relay.deliver_due() == 0, "the cancel waits for the start"
    OutboxMessage.objects.filter(pk=claimed.pk).update(leased_until=None)
    with transaction.atomic():
        assert relay.deliver_due() + relay.deliver_due() == 2

    start.refresh_from_db()
    assert start.status == "sent"
    assert _cancel_requested(workflow_id)


def test_a_cancel_after_an_attempt_without_an_answer_reaches_what_may_have_started(server: str) -> None:
    enqueue_start("batch_processing", {"batch_id": "any"}, workflow_id=(workflow_id := f"unanswered-{uuid4()}"))
    relay.deliver_due()
    OutboxMessage.objects.update(status="pending", sent_at=None, last_error="no answer in time")

    assert cancel_execution(workflow_id) is True
    assert relay.deliver_due() == 1

    assert _cancel_requested(workflow_id)


def _cancel_requested(workflow_id: str) -> bool:
    async def ask(connected: Client) -> bool:
        history = await connected.get_workflow_handle(workflow_id).fetch_history()
        return any(event.HasField("workflow_execution_cancel_requested_event_attributes") for event in history.events)

    return client.run(ask)
