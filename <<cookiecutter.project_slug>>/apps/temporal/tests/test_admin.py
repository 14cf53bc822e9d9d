"""The outbox in the admin: seen by those who may, sent again on request, changed by nobody."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from apps.temporal.models import OutboxMessage
from apps.temporal.outbox import enqueue_start
from apps.users.models import User

pytestmark = pytest.mark.django_db
URL = "/admin/temporal/outboxmessage/"


@pytest.fixture
def dead() -> OutboxMessage:
    message = enqueue_start("batch_processing", {"batch_id": "any"}, workflow_id="dead")
    message.failed("refused", final=True)
    enqueue_start("batch_processing", {"batch_id": "any"}, workflow_id="waiting")
    return message


def staff_with(*permissions: str) -> Client:
    user = User.objects.create_user("staff@example.com", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def send_again(client: Client) -> str:
    chosen = list(OutboxMessage.objects.values_list("pk", flat=True))
    page = client.post(URL, {"action": "send_again", "_selected_action": chosen}, follow=True)
    return page.content.decode()


def test_dead_messages_are_sent_again_and_others_left_as_they_are(admin_client: Client, dead: OutboxMessage) -> None:
    # The third is the onboarding of the account that looks.
    assert "1 of 3 messages were dead and will be sent again." in send_again(admin_client)

    dead.refresh_from_db()
    assert (dead.status, dead.attempts) == ("pending", 0)


def test_whoever_may_only_look_cannot_send_again(dead: OutboxMessage) -> None:
    client = staff_with("view_outboxmessage")

    assert "dead" in client.get(URL).content.decode()
    send_again(client)

    dead.refresh_from_db()
    assert dead.status == "dead"


def test_nobody_edits_or_deletes_a_message(admin_client: Client, dead: OutboxMessage) -> None:
    page = admin_client.get(f"{URL}{dead.pk}/change/").content.decode()

    assert "refused" in page
    assert "_save" not in page
    assert admin_client.post(f"{URL}{dead.pk}/delete/", {"post": "yes"}).status_code == 403
