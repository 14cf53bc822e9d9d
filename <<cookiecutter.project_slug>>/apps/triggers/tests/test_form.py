"""The public form that starts a workflow."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from apps.triggers import addresses, keys, services
from apps.triggers.models import Trigger, TriggerEvent
from apps.triggers.tests.started import started
from apps.users.models import User
from apps.workflows import services as workflows
from apps.workflows.models import Workflow
from config.throttling import PublicThrottle

pytestmark = pytest.mark.django_db
type MakeTrigger = Callable[..., Trigger]


def send(address: str, **values: str) -> Any:
    fields = {f"input-{name}": value for name, value in values.items() if name != "key"}
    return Client().post(address, fields | {"key": values.get("key", "k")})


def test_anybody_who_has_the_link_may_fill_it_in(make_trigger: MakeTrigger, settings: Settings) -> None:
    trigger = make_trigger("form", heading="Order", introduction="How much?", thanks="We call you.")
    path = addresses.of(trigger).removeprefix(settings.SITE_URL)

    page = Client().get(path).content.decode()
    assert all(text in page for text in ("Order", "How much?", 'name="input-amount"', "csrfmiddlewaretoken"))
    answers = [send(path, amount="5", note="soon") for _ in range(2)]

    assert [answer.url for answer in answers] == [f"{path}thanks/"] * 2
    assert "We call you." in Client().get(answers[0].url).content.decode()
    execution = started().get()
    assert (execution.trigger, execution.input) == ("form", {"amount": 5, "note": "soon"})


def test_a_form_of_another_site_is_refused(make_trigger: MakeTrigger) -> None:
    path = f"/forms/{keys.token(make_trigger('form'))}/"

    answer = Client(enforce_csrf_checks=True).post(path, {"input-amount": "5", "key": "k"})

    assert answer.status_code == 403
    assert not started().exists()


def test_what_is_wrong_stands_at_its_field(make_trigger: MakeTrigger) -> None:
    path = f"/forms/{keys.token(make_trigger('form'))}/"

    answer = send(path, amount="many")

    assert answer.status_code == 400
    assert "Enter a whole number." in answer.content.decode()
    assert not TriggerEvent.objects.exists()


def test_a_closed_form_says_so_and_an_unknown_one_is_not_there(make_trigger: MakeTrigger, workflow: Workflow) -> None:
    trigger = make_trigger("form")
    path = f"/forms/{keys.token(trigger)}/"

    Trigger.objects.update(enabled=False)
    assert [send(path, amount="5").status_code, Client().get(path).status_code] == [410, 410]
    Trigger.objects.update(enabled=True)
    workflows.set_status(workflow, "archived")
    assert Client().get(path).status_code == 410
    assert Client().get("/forms/guessed/").status_code == 404

    assert not started().exists()


def test_the_link_before_counts_until_it_is_dropped(make_trigger: MakeTrigger, owner: User) -> None:
    trigger = make_trigger("form")
    before = f"/forms/{keys.token(trigger)}/"

    trigger = services.renew_key(trigger, user=owner)
    assert [Client().get(path).status_code for path in (before, f"/forms/{keys.token(trigger)}/")] == [200, 200]
    services.drop_previous_key(trigger)

    assert Client().get(before).status_code == 404


@pytest.fixture
def _within_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the test takes."""
    monkeypatch.setattr(PublicThrottle, "timer", lambda _: 1_000_000.0)


@pytest.mark.usefixtures("_within_a_minute")
def test_one_address_sends_so_many_a_minute(make_trigger: MakeTrigger) -> None:
    path = f"/forms/{keys.token(make_trigger('form'))}/"
    cache.clear()

    answers = [send(path, amount="many").status_code for _ in range(22)]

    assert answers == [400] * 20 + [429] * 2


@pytest.mark.usefixtures("_within_a_minute")
def test_what_programs_deliver_and_decide_closes_no_form(make_trigger: MakeTrigger) -> None:
    path = f"/forms/{keys.token(make_trigger('form'))}/"
    others = [f"/api/v1/webhooks/triggers/{uuid4()}", "/api/v1/webhooks/signature/clicksign", "/api/v1/approvals/x/decision"]

    for other in others * 20:
        Client().post(other, {}, "application/json")
    answers = [send(path, amount="many").status_code for _ in range(21)]

    assert answers == [400] * 20 + [429]
    assert [Client().post(other, {}, "application/json").status_code for other in others] == [404, 401, 404]
