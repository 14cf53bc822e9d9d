"""Onboarding from the list of accounts."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from apps.executions.models import ExecutionEvent
from apps.temporal.models import OutboxMessage
from apps.users.models import User

pytestmark = pytest.mark.django_db
ACCOUNTS = "/admin/users/user/"


def choose(client: Client, *users: User) -> str:
    """Choose accounts and the action, and give the page that follows."""
    fields = {"action": "onboard", "_selected_action": [user.pk for user in users]}
    return client.post(ACCOUNTS, fields, follow=True).content.decode()


def test_the_selected_accounts_are_onboarded_and_no_others(admin_client: Client) -> None:
    bob, cleo, _ = User.objects.bulk_create([User(email=f"{name}@example.com") for name in ("bob", "cleo", "dora")])
    OutboxMessage.objects.all().delete()

    page = choose(admin_client, bob, cleo)

    assert "Accepted 2 onboardings." in page
    assert set(OutboxMessage.objects.values_list("aggregate_id", flat=True)) == {f"onboarding-{bob.pk}", f"onboarding-{cleo.pk}"}
    trail = ExecutionEvent.objects.filter(execution__user__in=(bob, cleo))
    assert [(event.action, event.user.email) for event in trail if event.user] == [("start", "admin@example.com")] * 2


def test_an_account_that_was_onboarded_is_not_onboarded_again(admin_client: Client, ada: User) -> None:
    choose(admin_client, ada)

    assert OutboxMessage.objects.filter(aggregate_id=f"onboarding-{ada.pk}").count() == 1


def test_who_may_only_look_at_accounts_is_not_offered_the_action(client: Client, ada: User) -> None:
    (bob,) = User.objects.bulk_create([User(email="bob@example.com", is_staff=True)])
    bob.user_permissions.set(Permission.objects.filter(codename="view_user"))
    client.force_login(bob)

    page = choose(client, bob)

    assert "ada@example.com" in page
    assert "Onboard the selected accounts" not in page
    assert not OutboxMessage.objects.filter(aggregate_id=f"onboarding-{bob.pk}").exists()


@pytest.mark.parametrize("model", ["temporal/outboxmessage", "notifications/mail"])
def test_what_the_machinery_writes_can_be_looked_at_and_not_changed(admin_client: Client, model: str, ada: User) -> None:
    assert admin_client.get(f"/admin/{model}/").status_code == 200
    assert admin_client.get(f"/admin/{model}/add/").status_code == 403


def test_a_message_can_neither_be_changed_nor_deleted(admin_client: Client, ada: User) -> None:
    message = OutboxMessage.objects.get(aggregate_id=f"onboarding-{ada.pk}")
    page = f"/admin/temporal/outboxmessage/{message.pk}"

    assert "ada@example.com" in admin_client.get(f"{page}/change/").content.decode()
    assert admin_client.post(f"{page}/change/", {"status": "sent"}).status_code == 403
    assert admin_client.post(f"{page}/delete/", {"post": "yes"}).status_code == 403
