"""Starting, watching and cancelling batches."""

from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from apps.batch.models import Batch
from apps.batch.rows import described
from apps.batch.services import batch_status, cancel_batch, failures_of, start_batch
from apps.batch.shared import MAX_USER_IDS, RowQuery
from apps.batch.tests.people import make_users
from apps.development.testing import PATIENCE, Temporal
from apps.temporal import client
from apps.temporal.models import OutboxMessage
from apps.temporal.relay import deliver_due

pytestmark = pytest.mark.django_db
ALL = RowQuery(model="users.User")


def new_id() -> str:
    """An id that the Temporal server has not seen in another test."""
    return f"test-{uuid4()}"


def test_a_batch_is_a_row_and_a_start_of_one_transaction() -> None:
    batch = start_batch(batch_id="b", action="check_profile", rows=ALL)

    message = OutboxMessage.objects.get()
    assert (batch.status, batch.total, str(batch)) == ("pending", None, "b")
    assert (message.payload["workflow"], message.aggregate_id) == ("batch_processing", batch.workflow_id)
    assert message.payload["argument"]["rows"] == {"model": "users.User", "filter": {}}


def test_a_batch_that_is_rolled_back_is_neither() -> None:
    with transaction.atomic():
        start_batch(batch_id="b", action="check_profile", rows=ALL)
        transaction.set_rollback(True)

    assert not Batch.objects.exists()
    assert not OutboxMessage.objects.exists()


def test_the_same_call_again_is_the_same_batch() -> None:
    first, second = (start_batch(batch_id="b", action="check_profile", user_ids=[1, 2]) for _ in range(2))

    assert first == second
    assert OutboxMessage.objects.count() == 1


def test_a_batch_that_has_ended_is_not_begun_again_after_the_outbox_forgot_it() -> None:
    batch = start_batch(batch_id="b", action="check_profile", user_ids=[1, 2])
    Batch.objects.update(status=Batch.Status.COMPLETED, finished_at=timezone.now())
    OutboxMessage.objects.all().delete()

    assert start_batch(batch_id="b", action="check_profile", user_ids=[1, 2]) == batch

    assert not OutboxMessage.objects.exists()


def test_a_filter_that_no_row_can_pass_is_a_batch_of_none() -> None:
    nobody = RowQuery(model="users.User", filter={"pk__in": []})

    assert start_batch(batch_id="b", action="check_profile", rows=nobody).status == "pending"
    assert described(nobody).count() == 0


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"user_ids": [3]}, "batch_id"),
        ({}, "user_ids"),
        ({"user_ids": [1], "rows": ALL}, "user_ids"),
        ({"user_ids": range(MAX_USER_IDS + 1)}, "user_ids"),
        ({"user_ids": [1], "action": "no_such"}, "action"),
        ({"rows": RowQuery(model="users.Nobody")}, "rows"),
        ({"rows": RowQuery(model="users.User", filter={"password": "x"})}, "rows"),
        ({"rows": RowQuery(model="users.User", filter={"email__nothing": "x"})}, "rows"),
        ({"rows": RowQuery(model="users.User", filter={"profile_checked_at__isnull": "maybe"})}, "rows"),
        ({"rows": RowQuery(model="users.User", filter={"api_tokens__name": "x"})}, "rows"),
        ({"rows": RowQuery(model="users.User", filter={"email__regex": "("})}, "rows"),
    ],
    ids=["other batch", "no rows", "both", "too many", "action", "model", "secret", "look-up", "value", "relation", "pattern"],
)
def test_what_cannot_be_a_batch_is_refused_by_field_and_changes_nothing(fields: dict[str, object], field: str) -> None:
    make_users(1)
    start_batch(batch_id="b", action="check_profile", user_ids=[1, 2])

    with pytest.raises(ValidationError) as caught:
        start_batch(batch_id="b", **{"action": "check_profile", **fields})  # type: ignore[arg-type]  # data of the cases

    assert list(caught.value.message_dict) == [field]
    assert OutboxMessage.objects.get().payload["argument"]["user_ids"] == [1, 2]


def test_a_batch_goes_from_pending_to_completed_and_lists_its_failures(temporal: Temporal) -> None:
    make_users(5, broken=(1, 3))
    batch = start_batch(batch_id=new_id(), action="check_profile", rows=ALL)
    assert batch_status(batch=batch) == "pending"

    deliver_due()
    result = client.result(batch.workflow_id, timeout=PATIENCE)
    batch.refresh_from_db()

    assert (result["total"], result["succeeded"], result["failed"]) == (5, 3, 2)
    assert (batch_status(batch=batch), batch.total, batch.counts()) == ("completed", 5, {"succeeded": 3, "failed": 2})
    assert [failure.reason for failure in failures_of(batch=batch)] == [f"'broken-{n}' is not an e-mail address" for n in (1, 3)]


def test_a_batch_that_has_not_started_is_cancelled_for_good(temporal: Temporal) -> None:
    batch = start_batch(batch_id=new_id(), action="check_profile", rows=ALL)

    cancel_batch(batch=batch)

    batch.refresh_from_db()
    assert (batch.status, batch_status(batch=batch), deliver_due()) == ("canceled", "canceled", 0)
    assert batch.finished_at is not None


def test_cancelling_a_batch_that_has_ended_changes_nothing(temporal: Temporal) -> None:
    batch = start_batch(batch_id=new_id(), action="check_profile", rows=ALL)
    deliver_due()
    client.result(batch.workflow_id, timeout=PATIENCE)

    cancel_batch(batch=batch)

    batch.refresh_from_db()
    assert (batch.status, batch_status(batch=batch)) == ("completed", "completed")


def test_while_temporal_is_away_the_status_is_what_the_batch_recorded_last() -> None:
    batch = start_batch(batch_id="b", action="check_profile", rows=ALL)
    OutboxMessage.objects.update(status="sent")
    batch.status = Batch.Status.RUNNING
    batch.save()

    assert batch_status(batch=batch) == "running"


def test_a_cancel_of_a_batch_that_the_server_has_forgotten_changes_nothing(temporal: Temporal) -> None:
    batch = start_batch(batch_id=new_id(), action="check_profile", rows=ALL)
    OutboxMessage.objects.update(status="sent")

    cancel_batch(batch=batch)

    assert deliver_due() == 1
    assert batch_status(batch=batch) == "pending"


def test_a_batch_whose_start_is_refused_for_good_is_failed() -> None:
    batch = start_batch(batch_id="b", action="check_profile", rows=ALL)
    OutboxMessage.objects.update(status="dead")

    assert batch_status(batch=batch) == "failed"


def test_a_batch_that_was_ended_behind_its_back_does_not_stay_running(temporal: Temporal) -> None:
    batch = start_batch(batch_id=new_id(), action="check_profile", rows=ALL)
    OutboxMessage.objects.update(payload=OutboxMessage.objects.get().payload | {"task_queue": "nobody-polls-this"})
    deliver_due()
    assert batch_status(batch=batch) == "running"

    temporal.run(temporal.client.get_workflow_handle(batch.workflow_id).terminate())

    assert batch_status(batch=batch) == "terminated"
