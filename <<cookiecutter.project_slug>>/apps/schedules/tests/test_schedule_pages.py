"""Schedules in the API and the admin: shown as the server has them, changed through the outbox."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django import Settings

from apps.development.testing import NOWHERE
from apps.schedules import services as schedules
from apps.schedules.tests.scheduling import Schedules, daily
from apps.temporal.models import OutboxMessage
from apps.temporal.relay import deliver_due
from apps.users.models import User

pytestmark = pytest.mark.django_db
API, ADMIN = "/api/v1/schedules", "/admin/schedules/schedule/"


@pytest.fixture
def two(on_server: Schedules) -> Schedules:
    """Two schedules, of which one is paused."""
    on_server.declare(daily(), daily(name="hourly", cron=(), every=timedelta(hours=1), paused=True))
    schedules.sync()
    on_server.listed("daily", "hourly", paused=["hourly"])
    return on_server


def with_permission(name: str) -> Client:
    """A member of staff who has it."""
    user = User.objects.create_user(f"{name}@example.com", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename=name, content_type__app_label="schedules"))
    OutboxMessage.objects.all().delete()
    signed_in = Client()
    signed_in.force_login(user)
    return signed_in


def away(settings: Settings) -> None:
    settings.TEMPORAL_ADDRESS = NOWHERE


def test_the_api_lists_them_with_their_next_times(two: Schedules) -> None:
    first, second = with_permission("view_schedule").get(API).json()

    assert (first["name"], first["workflow"], first["paused"], first["last_runs"]) == ("daily", "user_onboarding", False, [])
    assert [time[10:] for time in first["next_runs"]] == ["T06:00:00Z"] * len(first["next_runs"])
    assert (second["name"], second["paused"]) == ("hourly", True)


def test_the_api_changes_them_through_the_outbox(two: Schedules) -> None:
    client = with_permission("change_schedule")

    answers = [
        client.post(f"{API}/daily/pause?note=holidays"),
        client.post(f"{API}/hourly/resume"),
    ]
    assert [(answer.status_code, answer.json()["change"]) for answer in answers] == [(202, "pause"), (202, "resume")]
    deliver_due()

    two.listed("daily", "hourly", paused=["daily"])
    assert schedules.states()[0].note == "holidays"


def test_the_api_asks_for_a_permission_and_for_a_schedule_of_this_project(two: Schedules) -> None:
    viewer, changer = with_permission("view_schedule"), with_permission("change_schedule")

    assert Client().get(API).status_code == 401
    assert changer.get(API).status_code == viewer.post(f"{API}/daily/pause").status_code == 403
    assert changer.post(f"{API}/weekly/pause").status_code == changer.post(f"{API}/other:daily/pause").status_code == 404
    assert changer.post(f"{API}/daily/delete").status_code == 422
    assert not OutboxMessage.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_without_temporal_changes_are_taken_and_nothing_is_listed(
    two: Schedules, settings: Settings, admin_client: Client
) -> None:
    viewer, changer = with_permission("view_schedule"), with_permission("change_schedule")
    away(settings)

    assert viewer.get(API).status_code == 503
    assert changer.post(f"{API}/daily/trigger").status_code == 202
    assert admin_client.post(ADMIN, {"name": "daily", "change": "pause"}).status_code == 302
    assert [message.payload["change"] for message in OutboxMessage.objects.order_by("pk")] == ["trigger", "pause"]


def test_the_admin_shows_and_changes_them(two: Schedules, admin_client: Client) -> None:
    OutboxMessage.objects.all().delete()
    page = admin_client.get(ADMIN).content.decode()
    assert page.count("Paused") == page.count("Active") == 1
    assert "06:00 UTC</time>" in page

    page = admin_client.post(ADMIN, {"name": "daily", "change": "pause"}, follow=True).content.decode()

    assert "Accepted: pause daily." in page
    deliver_due()
    two.listed("daily", "hourly", paused=["daily", "hourly"])
    assert "pause in the admin by account" in admin_client.get(ADMIN).content.decode()


def test_the_admin_takes_no_change_of_what_is_not_declared_or_from_those_who_may_not(
    two: Schedules, admin_client: Client
) -> None:
    OutboxMessage.objects.all().delete()
    for wanted in ({"name": "weekly", "change": "pause"}, {"name": "daily", "change": "delete"}):
        assert "is not declared, or" in admin_client.post(ADMIN, wanted, follow=True).content.decode()

    viewer = with_permission("view_schedule")
    assert "<button" not in viewer.get(ADMIN).content.decode().partition('id="changelist"')[2]
    assert viewer.post(ADMIN, {"name": "daily", "change": "pause"}).status_code == 403
    assert with_permission("view_outboxmessage").get(ADMIN).status_code == 403
    assert not OutboxMessage.objects.exists()


def test_the_admin_says_how_to_declare_one_and_when_temporal_is_away(
    on_server: Schedules, admin_client: Client, settings: Settings
) -> None:
    assert "manage.py syncschedules" in admin_client.get(ADMIN).content.decode()

    away(settings)
    assert "here they cannot be shown" in admin_client.get(ADMIN).content.decode()


def test_the_admin_has_no_page_for_one(admin_client: Client, on_server: Schedules) -> None:
    for page in ("change", "delete", "history"):
        assert "exist. Perhaps it was deleted?" in admin_client.get(f"{ADMIN}daily/{page}/", follow=True).content.decode()
