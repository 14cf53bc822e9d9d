"""`/api/v1/onboarding`: whose onboarding one may start, watch and cancel."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from apps.development.testing import PATIENCE, Temporal
from apps.executions.models import ExecutionEvent
from apps.executions.services import cancel_execution, plan_execution
from apps.onboarding import api
from apps.onboarding.tests.conftest import new_user
from apps.temporal import client as temporal_client
from apps.temporal.exceptions import ExecutionFailed
from apps.temporal.models import OutboxMessage
from apps.temporal.relay import deliver_due
from apps.users.models import User
from apps.users.services import create_token

pytestmark = pytest.mark.django_db
URL = "/api/v1/onboarding"


def as_user(user: User) -> Client:
    signed_in = Client(headers={"Accept": "application/json"})
    signed_in.force_login(user)
    return signed_in


def start(client: Client, user_id: Any) -> Any:
    return client.post(URL, {"user_id": user_id}, content_type="application/json")


@pytest.fixture
def staff(db: None) -> User:
    return User.objects.create_superuser("root@example.com")


def test_without_signing_in_nothing_is_told(ada: User) -> None:
    client = Client()

    answers = [start(client, ada.pk), client.get(f"{URL}/{ada.pk}"), client.post(f"{URL}/{ada.pk}/cancel")]

    assert [answer.status_code for answer in answers] == [401, 401, 401]


def test_other_peoples_accounts_look_like_accounts_that_do_not_exist(ada: User, bob: User) -> None:
    client = as_user(bob)

    answers = [
        answer
        for user_id in (ada.pk, 10**6)
        for answer in (start(client, user_id), client.get(f"{URL}/{user_id}"), client.post(f"{URL}/{user_id}/cancel"))
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert OutboxMessage.objects.get().status == "pending"


def test_one_may_start_ones_own_and_staff_everybodys(bob: User, staff: User) -> None:
    own, theirs = start(as_user(bob), bob.pk), start(as_user(staff), bob.pk)

    assert (own.status_code, theirs.status_code) == (202, 202)
    assert own.json() == theirs.json() == {"workflow_id": f"onboarding-{bob.pk}", "user_id": bob.pk, "status": "pending"}
    assert OutboxMessage.objects.filter(aggregate_id=f"onboarding-{bob.pk}").count() == 1


def trail_of(user: User) -> list[tuple[str, str, str | None]]:
    """What the audit trail says of an onboarding: the action, by what, and whose account."""
    events = ExecutionEvent.objects.filter(execution__temporal_workflow_id=f"onboarding-{user.pk}")
    return list(events.values_list("action", "by", "user__email"))


def test_the_trail_names_who_started_and_who_cancelled_it(bob: User, staff: User) -> None:
    for _ in range(2):
        start(as_user(staff), bob.pk)
    as_user(bob).post(f"{URL}/{bob.pk}/cancel")

    assert trail_of(bob) == [("start", "user", staff.email), ("cancel", "user", bob.email)]


def test_what_was_planned_by_hand_is_started_here_as_it_is_there(bob: User, staff: User) -> None:
    planned = plan_execution(workflow="user_onboarding", values={"user_id": bob.pk, "email": bob.email, "name": ""}, user=staff)

    answer = start(as_user(bob), bob.pk)

    planned.refresh_from_db()
    assert (answer.json()["status"], planned.state) == ("pending", "queued")
    assert trail_of(bob) == [("planned", "user", staff.email), ("start", "user", bob.email)]

    cancel_execution(planned, user=staff)
    assert OutboxMessage.objects.get(aggregate_id=f"onboarding-{bob.pk}").status == "canceled"


def test_what_was_planned_and_cancelled_by_hand_is_not_started(bob: User, staff: User) -> None:
    planned = plan_execution(workflow="user_onboarding", values={"user_id": bob.pk, "email": bob.email, "name": ""}, user=staff)
    before = as_user(bob).get(f"{URL}/{bob.pk}").json()["status"]
    cancelled = as_user(bob).post(f"{URL}/{bob.pk}/cancel")

    answer = start(as_user(bob), bob.pk)

    assert [each.json()["status"] for each in (cancelled, answer)] == ["canceled", "canceled"]
    planned.refresh_from_db()
    assert (before, planned.status) == ("pending", "canceled")
    assert not OutboxMessage.objects.filter(aggregate_id=f"onboarding-{bob.pk}").exists()


def test_a_program_starts_it_with_a_token(bob: User) -> None:
    bearer = Client(headers={"Authorization": f"Bearer {create_token(user=bob, name='test')}"}, enforce_csrf_checks=True)

    assert start(bearer, bob.pk).status_code == 202


def test_a_page_of_another_site_cannot_start_it(bob: User) -> None:
    careless = Client(enforce_csrf_checks=True)
    careless.force_login(bob)

    assert start(careless, bob.pk).status_code == 403


@pytest.mark.parametrize("user_id", ["ada", None, 1.5, []])
def test_a_request_that_is_not_valid_names_the_field(staff: User, user_id: Any) -> None:
    answer = start(as_user(staff), user_id)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["user_id"]


def test_its_status_is_followed_from_pending_to_completed(
    temporal: Temporal, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "SHORTLY", PATIENCE)
    settings.ONBOARDING_FOLLOW_UP_DELAY = 0
    ada = new_user("ada")
    client = as_user(ada)
    assert client.get(f"{URL}/{ada.pk}").json()["status"] == "pending"

    deliver_due()
    temporal_client.result(f"onboarding-{ada.pk}", timeout=PATIENCE)

    answer = client.get(f"{URL}/{ada.pk}")
    assert answer.status_code == 200
    assert answer.json() == {"workflow_id": f"onboarding-{ada.pk}", "user_id": ada.pk, "status": "completed"}
    assert start(client, ada.pk).json()["status"] == "completed", "a repeated start tells where the first one stands"


def test_it_can_be_cancelled_before_it_starts_and_then_never_does(temporal: Temporal, ada: User) -> None:
    answer = as_user(ada).post(f"{URL}/{ada.pk}/cancel")

    assert (answer.status_code, answer.json()["status"]) == (202, "canceled")
    assert deliver_due() == 0


def test_it_can_be_cancelled_while_it_waits(temporal: Temporal) -> None:
    ada = new_user("ada")
    client = as_user(ada)
    deliver_due()

    answer = client.post(f"{URL}/{ada.pk}/cancel")
    assert answer.status_code == 202
    deliver_due()
    with pytest.raises(ExecutionFailed, match="cancelled"):
        temporal_client.result(f"onboarding-{ada.pk}", timeout=PATIENCE)

    assert client.get(f"{URL}/{ada.pk}").json()["status"] == "canceled"


def test_an_account_that_was_never_onboarded_is_404(temporal: Temporal, bob: User) -> None:
    answer = as_user(bob).get(f"{URL}/{bob.pk}")

    assert answer.status_code == 404
    assert "not found" in answer.json()["detail"]


def test_while_temporal_is_away_starts_are_accepted_and_questions_are_503(bob: User) -> None:
    client = as_user(bob)

    assert start(client, bob.pk).status_code == 202
    OutboxMessage.objects.update(status="sent")
    answer = client.get(f"{URL}/{bob.pk}")

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "check TEMPORAL_ADDRESS" in answer.json()["detail"]
