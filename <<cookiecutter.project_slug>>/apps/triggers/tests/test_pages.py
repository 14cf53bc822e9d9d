"""The pages of triggers: who sees and changes what, and what the forms make."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from apps.schedules import services as server_side
from apps.schedules.tests.scheduling import Schedules
from apps.temporal import relay
from apps.temporal.models import OutboxMessage
from apps.triggers import keys, schedules
from apps.triggers.models import Trigger
from apps.triggers.tests.started import started
from apps.users.models import User
from apps.workflows import services as workflows
from apps.workflows.models import Project, Workflow
from tests.installation import wait_until

pytestmark = pytest.mark.django_db
type MakeTrigger = Callable[..., Trigger]
MORE = {"overlap": "skip", "catch_up_minutes": "30", "input": "amount: {{ trigger.data.total }}\nnote: at night"}


@pytest.fixture
def browser(owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client


def page(browser: Client, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_without_a_trigger_it_says_what_there_is_in_any_case(browser: Client, workflow: Workflow) -> None:
    shown = page(browser, f"/workflows/{workflow.pk}/triggers/")

    assert "Nothing starts this workflow by itself yet." in shown
    assert all(text in shown for text in ("By hand:", "By a program:", "At set times", "Google form"))


def test_set_times_are_said_by_days_and_a_time(browser: Client, workflow: Workflow) -> None:
    told = {"name": "Mornings", "at": "09:05", "days": ["MON", "FRI"], "cron": "0 6 1 * *", "time_zone": "Europe/Berlin", **MORE}

    answer: Any = browser.post(f"/workflows/{workflow.pk}/triggers/new/cron/", told)

    trigger = Trigger.objects.get()
    assert answer.url == f"/triggers/{trigger.pk}/"
    assert trigger.config == {
        "cron": ["5 9 * * MON,FRI", "0 6 1 * *"],
        "time_zone": "Europe/Berlin",
        "catch_up_minutes": 30,
        "input": {"amount": "{{ trigger.data.total }}", "note": "at night"},
    }
    assert (trigger.overlap, OutboxMessage.objects.filter(kind="schedule").count()) == ("skip", 1)
    again = page(browser, f"{answer.url}edit/")
    assert 'value="09:05"' in again
    assert again.count("checked") == 2
    assert "0 6 1 * *</textarea>" in again


@pytest.mark.parametrize(
    ("kind", "told", "said"),
    [
        ("cron", {"time_zone": "UTC"}, "List should have at least 1 item"),
        ("cron", {"time_zone": "UTC", "cron": "every day"}, "is no cron expression"),
        ("cron", {"time_zone": "Mars/Olympus", "at": "09:00"}, "Select a valid choice"),
        ("interval", {"every_minutes": "0"}, "greater than or equal to 1"),
        ("email", {"senders": "nobody"}, "neither an address nor a domain"),
        ("webhook", {"input": "amount: {{ input.amount }}"}, "speaks of what is not there yet"),
        ("webhook", {"input": "amount: {{ 1 + }}"}, "is no expression"),
    ],
)
def test_what_is_wrong_stands_at_its_field(
    browser: Client, workflow: Workflow, kind: str, told: dict[str, str], said: str
) -> None:
    answer = browser.post(f"/workflows/{workflow.pk}/triggers/new/{kind}/", {"name": "Wrong", **MORE, **told})

    assert said in answer.content.decode()
    assert not Trigger.objects.exists()


def test_it_is_paused_resumed_fired_renewed_and_deleted(browser: Client, make_trigger: MakeTrigger, settings: Settings) -> None:
    trigger = make_trigger()
    address = f"/triggers/{trigger.pk}/"
    first = keys.signing_key(trigger)
    assert first in page(browser, address)

    browser.post(f"{address}pause/")
    assert "Paused" in page(browser, address)
    browser.post(f"{address}resume/")
    browser.post(f"{address}renew/")
    shown = page(browser, address)
    assert first not in shown
    assert "Drop the one before" in shown
    browser.post(f"{address}drop/")
    assert "Drop the one before" not in page(browser, address)

    refused = browser.post(f"{address}fire/", {"brought": "{}", "key": "a"})
    assert "This is needed." in refused.content.decode()
    fired: list[Any] = [browser.post(f"{address}fire/", {"brought": '{"amount": 5}', "key": "b"}) for _ in range(2)]
    execution = started().get()
    assert [answer.url for answer in fired] == [f"/executions/{execution.pk}/"] * 2
    assert all(word in page(browser, address) for word in ("Started", "Refused", "queued"))

    assert "gone for good" in page(browser, f"{address}delete/")
    browser.post(f"{address}delete/")
    assert browser.get(address).status_code == 404
    assert not Trigger.objects.exists()


def test_a_schedule_is_made_changed_paused_resumed_and_deleted_on_the_server(
    on_server: Schedules, browser: Client, workflow: Workflow
) -> None:
    on_server.declare(rows=lambda: list(schedules.schedules()))
    told = {"name": "Mornings", "at": "09:05", "time_zone": "UTC", **MORE}
    browser.post(f"/workflows/{workflow.pk}/triggers/new/cron/", told)
    trigger = Trigger.objects.get()
    address, name = f"/triggers/{trigger.pk}/", schedules.name_of(trigger)
    relay.deliver_all()
    on_server.listed(name)

    browser.post(f"{address}edit/", told | {"at": "07:30"})
    relay.deliver_all()
    wait_until(lambda: {f"{time:%H:%M}" for time in (schedules.next_times([trigger]) or {}).get(trigger.pk, [])} == {"07:30"})

    browser.post(f"{address}pause/")
    relay.deliver_all()
    on_server.listed(name, paused=[name])
    browser.post(f"{address}resume/")
    relay.deliver_all()
    on_server.listed(name)

    browser.post(f"{address}delete/")
    relay.deliver_all()
    on_server.listed()


def test_next_and_last_times_are_shown(on_server: Schedules, browser: Client, make_trigger: MakeTrigger) -> None:
    # None of its times passes between the question to the server and the pages.
    hour = (timezone.now() + timedelta(hours=12)).hour
    trigger = make_trigger("cron", cron=[f"0 {hour} * * *"], time_zone="UTC", input={"amount": 1})
    on_server.declare(rows=lambda: list(schedules.schedules()))
    relay.deliver_all()
    on_server.listed(schedules.name_of(trigger))
    wait_until(lambda: len(server_side.states()[0].next_runs) > 1)
    (state,) = server_side.states()

    assert f"{state.next_runs[0]:%Y-%m-%d} {hour:02}:00" in page(browser, f"/workflows/{trigger.workflow_id}/triggers/")
    assert f"{state.next_runs[1]:%Y-%m-%d} {hour:02}:00 UTC" in page(browser, f"/triggers/{trigger.pk}/")


def test_while_temporal_is_away_the_pages_say_so(browser: Client, make_trigger: MakeTrigger) -> None:
    trigger = make_trigger("interval", every_minutes=60)

    assert "not known while Temporal is away" in page(browser, f"/workflows/{trigger.workflow_id}/triggers/")
    assert "not known while Temporal is away" in page(browser, f"/triggers/{trigger.pk}/")


def test_a_viewer_sees_no_key_and_changes_nothing(make_trigger: MakeTrigger, project: Project) -> None:
    trigger, viewer = make_trigger(), User.objects.create_user(email="viewer@example.com")
    workflows.set_member(project, user=viewer, role="viewer")
    browser = Client()
    browser.force_login(viewer)
    address = f"/triggers/{trigger.pk}/"

    shown = page(browser, address)

    assert keys.signing_key(trigger) not in shown
    assert "Fire now" not in shown
    posts = [address + way for way in ("edit/", "fire/", "delete/", "pause/", "renew/")]
    posts.append(f"/workflows/{trigger.workflow_id}/triggers/new/webhook/")
    assert {browser.post(path, MORE).status_code for path in posts} == {403}


def test_strangers_and_nobody_find_nothing(make_trigger: MakeTrigger) -> None:
    trigger, stranger = make_trigger(), User.objects.create_user(email="stranger@example.com")
    paths = [f"/triggers/{trigger.pk}/", f"/triggers/{trigger.pk}/fire/", f"/workflows/{trigger.workflow_id}/triggers/"]

    signed_in: Any = Client()
    signed_in.force_login(stranger)
    assert {signed_in.get(path).status_code for path in paths} == {404}
    assert {Client().get(path).status_code for path in paths} == {302}
    assert signed_in.post(f"/triggers/{trigger.pk}/pause/").status_code == 404


def test_a_kind_or_an_action_that_there_is_not_is_not_found(browser: Client, make_trigger: MakeTrigger) -> None:
    trigger = make_trigger()

    assert browser.get(f"/workflows/{trigger.workflow_id}/triggers/new/manual/").status_code == 404
    assert browser.post(f"/triggers/{trigger.pk}/explode/").status_code == 404
