"""A start is part of the transaction that made it necessary."""

from dataclasses import dataclass
from uuid import uuid4

import pytest
from django.db import transaction
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from apps.temporal import relay
from apps.temporal.exceptions import ExecutionNotFound, Refused, TemporalUnavailable
from apps.temporal.models import OutboxMessage
from apps.temporal.outbox import cancel_execution, enqueue_start, execution_status, start_key

pytestmark = pytest.mark.django_db


@dataclass(frozen=True, kw_only=True)
class Wanted:
    batch_id: str
    user_ids: tuple[int, ...] = ()


def enqueue(workflow_id: str, batch_id: str = "any") -> OutboxMessage:
    with transaction.atomic():
        return enqueue_start("batch_processing", Wanted(batch_id=batch_id), workflow_id=workflow_id)


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_it_is_refused() -> None:
    with pytest.raises(RuntimeError, match=r"wrap the caller in transaction\.atomic\(\)"):
        enqueue_start("batch_processing", Wanted(batch_id="any"), workflow_id="any")

    assert not OutboxMessage.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_it_is_done_when_asked_for() -> None:
    enqueue_start("batch_processing", Wanted(batch_id="any"), workflow_id="any", alone=True)

    assert OutboxMessage.objects.get().aggregate_id == "any"


def test_a_workflow_that_this_project_does_not_have_is_refused_unless_others_work_on_its_queue(settings: Settings) -> None:
    with pytest.raises(Refused, match=r"There is no workflow 'batch_procesing': choose batch_processing, "):
        enqueue_start("batch_procesing", Wanted(batch_id="any"), workflow_id="any")

    enqueue_start("written-in-go", Wanted(batch_id="any"), workflow_id="any", task_queue="theirs")
    assert OutboxMessage.objects.get().payload["task_queue"] == "theirs"


def test_what_is_no_plain_value_is_refused() -> None:
    with pytest.raises(Refused, match="What is sent to any must be plain values, dataclasses or pydantic models"):
        enqueue_start("batch_processing", {"batch_id": object()}, workflow_id="any")


def test_what_temporal_could_not_take_is_refused() -> None:
    with pytest.raises(Refused, match=r"What is sent to any has 3\.0 MiB and Temporal takes 2: store it and send its key"):
        enqueue_start("batch_processing", Wanted(batch_id="a" * 3 * 2**20), workflow_id="any")


def test_a_transaction_that_is_rolled_back_leaves_no_start() -> None:
    with transaction.atomic():
        enqueue("any")
        transaction.set_rollback(True)

    assert not OutboxMessage.objects.exists()


def test_a_message_is_plain_json_for_this_projects_queue(settings: Settings) -> None:
    settings.TEMPORAL_TASK_QUEUE = "ours"

    message = enqueue("batch-7", batch_id="7")

    message.refresh_from_db()
    argument = {"batch_id": "7", "user_ids": []}
    expected = {"workflow": "batch_processing", "task_queue": "ours", "fairness_key": "", "argument": argument}
    assert message.payload == expected
    assert (message.aggregate_id, message.status, message.attempts) == ("batch-7", "pending", 0)
    assert str(message) == "start batch-7 (pending)"


def test_the_same_workflow_id_twice_is_one_message() -> None:
    first, second = enqueue("twice", batch_id="first"), enqueue("twice", batch_id="second")

    assert first.pk == second.pk
    assert OutboxMessage.objects.get(dedupe_key=start_key("twice")).payload["argument"]["batch_id"] == "first"


def test_only_the_first_of_two_is_sent_after_the_commit(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    settings.TEMPORAL_RELAY_ON_COMMIT = True
    nudged: list[str] = []
    monkeypatch.setattr(relay, "nudge", lambda: nudged.append("now"))

    with django_capture_on_commit_callbacks(execute=True):
        enqueue("twice")
        enqueue("twice")
        assert nudged == []

    assert nudged == ["now"]


def test_a_process_that_does_not_relay_sends_nothing_itself(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        enqueue("left-to-the-worker")

    assert callbacks == []


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        (OutboxMessage.Status.PENDING, "pending"),
        (OutboxMessage.Status.DEAD, "failed"),
        (OutboxMessage.Status.CANCELED, "canceled"),
    ],
)
def test_the_status_of_what_was_never_started_is_known_without_the_server(stored: str, shown: str) -> None:
    enqueue("any")
    OutboxMessage.objects.update(status=stored)

    assert execution_status("any") == shown


def test_the_status_of_what_was_started_is_the_servers(server: str) -> None:
    workflow_id = f"asked-{uuid4()}"
    enqueue(workflow_id)

    assert relay.deliver_due() == 1

    assert execution_status(workflow_id) == "running"


def test_an_execution_that_somebody_else_started_is_known_too(server: str) -> None:
    enqueue(f"theirs-{(unique := uuid4())}")
    relay.deliver_due()
    OutboxMessage.objects.all().delete()

    assert execution_status(f"theirs-{unique}") == "running"


def test_what_nobody_knows_is_not_found(server: str) -> None:
    with pytest.raises(ExecutionNotFound):
        execution_status("nobody-knows-this")
    with pytest.raises(ExecutionNotFound):
        cancel_execution("nobody-knows-this")


def test_without_the_server_the_status_of_what_was_started_is_not_known() -> None:
    enqueue("any")
    OutboxMessage.objects.update(status=OutboxMessage.Status.SENT)

    with pytest.raises(TemporalUnavailable):
        execution_status("any")


def test_what_is_cancelled_before_it_was_sent_never_starts(server: str) -> None:
    workflow_id = f"cancelled-{uuid4()}"
    enqueue(workflow_id)

    cancel_execution(workflow_id)

    assert relay.deliver_due() == 0
    assert execution_status(workflow_id) == "canceled"
    OutboxMessage.objects.all().delete()
    with pytest.raises(ExecutionNotFound):
        execution_status(workflow_id)
