"""The inbox and the choices as programs see them."""

from typing import Any

import pytest
from django.test import Client

from apps.executions.tests.rows import execution, person
from apps.notifications.models import Contact, Notification, Preference
from apps.users.models import User
from apps.users.services import create_token

pytestmark = pytest.mark.django_db
ROOT = "/api/v1/notifications"


@pytest.fixture
def api(ada: User) -> Client:
    """A program that acts for her."""
    return Client(headers={"Authorization": f"Bearer {create_token(user=ada, name='test')}"})


def put(api: Client, path: str, payload: dict[str, Any]) -> Any:
    return api.put(f"{ROOT}{path}", payload, content_type="application/json")


def message(user: User) -> Notification:
    about = execution("failed", user)
    return Notification.objects.create(execution=about, attempt=1, event="failure", channel="inapp", user=user, reason="because")


def test_the_inbox_is_listed_and_read(api: Client, ada: User) -> None:
    told, other = message(ada), message(person("eve"))

    listed = api.get(ROOT).json()
    assert (listed["count"], listed["items"][0]["subject"]) == (1, "User onboarding failed")
    assert listed["items"][0]["execution"] == str(told.execution_id)

    assert api.post(f"{ROOT}/{told.pk}/read").json() == {"read": 1}
    assert api.post(f"{ROOT}/{told.pk}/read").json() == {"read": 0}
    assert api.post(f"{ROOT}/{other.pk}/read").status_code == 404
    assert api.get(f"{ROOT}?unread=true").json()["count"] == 0
    message(ada)
    assert api.post(f"{ROOT}/read").json() == {"read": 1}
    assert Notification.objects.unread().get() == other


def test_choices_are_made_one_by_one_and_forgotten_together(api: Client) -> None:
    choice = {"event": "success", "channel": "inapp", "wanted": True}
    assert choice not in api.get(f"{ROOT}/choices").json()

    assert choice in put(api, "/choices", {"choices": [choice]}).json()
    put(api, "/choices", {"choices": [choice | {"event": "start"}]})
    put(api, "/choices?workflow=user_onboarding", {"choices": [choice | {"wanted": False}]})

    assert choice in api.get(f"{ROOT}/choices").json()
    assert choice not in api.get(f"{ROOT}/choices?workflow=user_onboarding").json()
    assert choice in api.delete(f"{ROOT}/choices?workflow=user_onboarding").json()
    assert choice not in api.delete(f"{ROOT}/choices").json()
    assert not Preference.objects.exists()


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_choices_for_what_is_no_workflow_are_refused(api: Client, method: str) -> None:
    answer = getattr(api, method)(f"{ROOT}/choices?workflow=none", {"choices": []}, content_type="application/json")

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "workflow")


def test_the_contact_is_set_and_its_key_renewed(api: Client) -> None:
    first = api.get(f"{ROOT}/contact").json()
    second = put(api, "/contact", {"webhook_url": "https://93.184.215.14/hook"}).json()
    third = api.post(f"{ROOT}/contact/secret").json()

    assert first["webhook_secret"] == second["webhook_secret"] != third["webhook_secret"]
    assert third["webhook_url"] == "https://93.184.215.14/hook"


def test_an_internal_webhook_is_refused(api: Client) -> None:
    answer = put(api, "/contact", {"webhook_url": "https://169.254.169.254/"})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "webhook_url")
    assert not Contact.objects.exists()
