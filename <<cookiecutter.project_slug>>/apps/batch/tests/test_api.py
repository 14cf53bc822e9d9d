"""`/api/v1/batches`: for those who may add, view or change batches."""

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from apps.batch.models import Batch, BatchRange
from apps.batch.tests.people import make_users
from apps.development.testing import PATIENCE, Temporal
from apps.executions.models import ExecutionEvent
from apps.executions.services import cancel_execution, plan_execution
from apps.temporal import client as temporal_client
from apps.temporal.models import OutboxMessage
from apps.temporal.relay import deliver_due
from apps.users.models import User

pytestmark = pytest.mark.django_db
URL = "/api/v1/batches"
WANTED = {"batch_id": "b", "user_ids": [1, 2]}


def as_user(*permissions: str, superuser: bool = False) -> Client:
    """Somebody with those permissions, such as view_batch."""
    (user,) = User.objects.bulk_create([User(email=f"{uuid4()}@example.com", is_superuser=superuser)])
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    signed_in = Client()
    signed_in.force_login(user)
    return signed_in


@pytest.fixture
def staff(db: None) -> Client:
    return as_user(superuser=True)


def start(client: Client, **fields: Any) -> Any:
    return client.post(URL, {**WANTED, **fields}, content_type="application/json")


def ask_everything(client: Client) -> dict[str, int]:
    """The answers' status codes."""
    answers = {
        "start": start(client),
        "list": client.get(URL),
        "detail": client.get(f"{URL}/b"),
        "failures": client.get(f"{URL}/b/failures"),
        "cancel": client.post(f"{URL}/b/cancel"),
    }
    return {name: answer.status_code for name, answer in answers.items()}


@pytest.mark.parametrize(
    ("client", "allowed"),
    [
        (["view_batch"], {"list", "detail", "failures"}),
        (["add_batch"], {"start"}),
        (["change_batch"], {"cancel"}),
        ([], set()),
    ],
    ids=["viewer", "adder", "changer", "stranger"],
)
def test_each_may_do_what_the_permissions_say(client: list[str], allowed: set[str]) -> None:
    start(as_user(superuser=True))

    codes = ask_everything(as_user(*client))

    assert {name for name, code in codes.items() if code in {200, 202}} == allowed
    assert {code for name, code in codes.items() if name not in allowed} <= {403}


def test_without_signing_in_nothing_is_told() -> None:
    assert set(ask_everything(Client()).values()) == {401}


def test_a_refusal_names_the_permission() -> None:
    assert start(as_user()).json()["detail"] == "This needs the permission batch.add_batch."


def test_a_start_is_accepted_without_temporal(staff: Client) -> None:
    answer = start(staff)

    shown = answer.json()
    assert answer.status_code == 202
    assert (shown["batch_id"], shown["workflow_id"], shown["status"]) == ("b", "batch-b", "pending")
    assert (shown["total"], shown["succeeded"], shown["failed"], shown["finished_at"]) == (None, 0, 0, None)
    assert OutboxMessage.objects.get().payload["argument"]["user_ids"] == [1, 2]


def test_the_same_request_again_is_the_same_batch_and_another_one_under_its_id_is_refused(staff: Client) -> None:
    first, second, other = start(staff), start(staff), start(staff, user_ids=[3])

    assert first.json() == second.json()
    assert (other.status_code, [error["field"] for error in other.json()["errors"]]) == (422, ["batch_id"])
    assert OutboxMessage.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"batch_id": ""}, "batch_id"),
        ({"batch_id": "two words"}, "batch_id"),
        ({"batch_id": "a/b"}, "batch_id"),
        ({"batch_id": "x" * 201}, "batch_id"),
        ({"user_ids": ["ada"]}, "user_ids.0"),
        ({"user_ids": []}, "user_ids"),
        ({"rows": {"model": "users.User"}}, "user_ids"),
        ({"user_ids": [], "rows": {"filter": {}}}, "rows.model"),
        ({"user_ids": [], "rows": {"model": "users.Nobody"}}, "rows"),
        ({"user_ids": [], "rows": {"model": "users.User", "filter": {"password__startswith": "a"}}}, "rows"),
        ({"user_ids": [], "rows": {"model": "users.User", "filter": {"profile_checked_at__isnull": "maybe"}}}, "rows"),
        ({"action": "no_such"}, "action"),
    ],
)
def test_a_request_that_is_not_valid_names_the_field(staff: Client, fields: dict[str, Any], field: str) -> None:
    answer = start(staff, **fields)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert answer.json()["errors"][0]["message"]
    assert not Batch.objects.exists()


def test_a_batch_is_followed_from_pending_to_its_failures(staff: Client, temporal: Temporal) -> None:
    make_users(4, broken=(2,))
    url = f"{URL}/{(batch_id := f'api-{uuid4()}')}"
    rows = {"model": "users.User", "filter": {"name__startswith": "User"}}
    assert start(staff, batch_id=batch_id, user_ids=[], rows=rows).json()["status"] == "pending"

    deliver_due()
    temporal_client.result(f"batch-{batch_id}", timeout=PATIENCE)

    shown, failures = staff.get(url).json(), staff.get(f"{url}/failures").json()
    assert (shown["status"], shown["total"], shown["succeeded"], shown["failed"]) == ("completed", 4, 3, 1)
    assert shown["finished_at"] is not None
    assert failures["count"] == 1
    assert failures["items"][0]["reason"] == "'broken-2' is not an e-mail address"


def test_a_batch_that_has_not_started_is_cancelled(staff: Client, temporal: Temporal) -> None:
    start(staff)

    answer = staff.post(f"{URL}/b/cancel")

    assert (answer.status_code, answer.json()["status"]) == (202, "canceled")
    assert deliver_due() == 0


def test_the_trail_names_who_started_and_who_cancelled_it() -> None:
    starts, cancels = as_user("add_batch"), as_user("change_batch")

    start(starts)
    cancels.post(f"{URL}/b/cancel")

    trail = ExecutionEvent.objects.values_list("action", "by", "user_id")
    assert list(trail) == [
        ("start", "user", int(starts.session["_auth_user_id"])),
        ("cancel", "user", int(cancels.session["_auth_user_id"])),
    ]


def test_what_was_planned_and_cancelled_by_hand_is_not_started(staff: Client) -> None:
    planned = plan_execution(workflow="batch_processing", values=WANTED, user=User.objects.get())
    cancel_execution(planned, user=None)

    answer = start(staff)

    assert (answer.status_code, answer.json()["status"]) == (202, "canceled")
    assert answer.json()["finished_at"] is not None
    assert not OutboxMessage.objects.exists()


def test_the_list_has_the_newest_first_by_pages_and_by_status(staff: Client) -> None:
    for number in range(5):
        batch = Batch.objects.create(batch_id=f"b{number}", action="any", status="completed" if number % 2 else "failed")
        for part in range(2):
            BatchRange.objects.create(batch=batch, number=part, succeeded=number, failed=1, finished=True)

    everything, page = staff.get(URL).json(), staff.get(URL, {"limit": 2, "offset": 1}).json()
    failed = staff.get(URL, {"status": "failed"}).json()

    assert [item["batch_id"] for item in everything["items"]] == ["b4", "b3", "b2", "b1", "b0"]
    assert [item["succeeded"] for item in everything["items"]] == [8, 6, 4, 2, 0]
    assert ([item["batch_id"] for item in page["items"]], page["count"]) == (["b3", "b2"], 5)
    assert [item["batch_id"] for item in failed["items"]] == ["b4", "b2", "b0"]


def test_a_batch_that_is_not_there_is_404(staff: Client) -> None:
    answers = [staff.get(f"{URL}/none"), staff.get(f"{URL}/none/failures"), staff.post(f"{URL}/none/cancel")]

    assert [answer.status_code for answer in answers] == [404, 404, 404]


def test_while_temporal_is_away_a_cancel_is_accepted_and_waits(staff: Client) -> None:
    start(staff)
    OutboxMessage.objects.update(status="sent")

    looked, cancelled = staff.get(f"{URL}/b"), staff.post(f"{URL}/b/cancel")

    assert (looked.status_code, looked.json()["status"]) == (200, "pending")
    assert (cancelled.status_code, cancelled.json()["status"]) == (202, "pending")
    assert OutboxMessage.objects.get(status="pending").kind == "cancel"
