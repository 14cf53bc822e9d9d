"""The inbox and the choices as people see them: each account its own."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from apps.executions.models import Execution
from apps.executions.tests.rows import execution, person
from apps.notifications import preferences, services
from apps.notifications.models import Channel, Contact, Event, Notification, Preference
from apps.users.models import User

pytestmark = pytest.mark.django_db
INBOX, CHOICES, CONTACT = "/inbox/", "/inbox/settings/", "/inbox/settings/contact/"


@pytest.fixture
def ada_client(ada: User) -> Client:
    """A browser in which she is signed in."""
    client = Client()
    client.force_login(ada)
    return client


def message(user: User, about: Execution | None = None, **facts: object) -> Notification:
    return Notification.objects.create(
        execution=about or execution("failed", user), attempt=1, event="failure", channel="inapp", user=user, **facts
    )


def page(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("path", [INBOX, "/inbox/1/", CHOICES])
def test_a_stranger_is_asked_to_sign_in(client: Client, path: str) -> None:
    assert client.get(path).headers["Location"] == f"{reverse('account_login')}?next={path}"


@pytest.mark.parametrize("path", ["/inbox/read/", CHOICES, CONTACT, "/inbox/settings/secret/"])
def test_a_stranger_changes_nothing(client: Client, path: str) -> None:
    assert client.post(path, {"webhook_url": "https://example.com/"}).status_code == 302
    assert not Contact.objects.exists()
    assert not Preference.objects.exists()


def test_an_empty_inbox_says_what_comes_there(ada_client: Client) -> None:
    assert "When something that you started fails" in page(ada_client, INBOX)
    assert ">Inbox</a>" in page(ada_client, INBOX)


def test_a_message_says_what_happened_and_leads_to_it_and_is_read_then(ada_client: Client, ada: User) -> None:
    told = message(ada, reason="ValueError: <no> account")

    shown = page(ada_client, INBOX)
    answer = ada_client.get(f"/inbox/{told.pk}/")

    assert "User onboarding failed" in shown
    assert "ValueError: &lt;no&gt; account" in shown
    assert ">Inbox (1)</a>" in shown
    assert answer.headers["Location"] == reverse("executions:detail", args=[told.execution_id])
    assert ">Inbox</a>" in page(ada_client, INBOX)


def test_the_messages_of_others_are_not_to_be_seen_opened_or_marked(ada_client: Client) -> None:
    told = message(person("eve"))

    assert "User onboarding failed" not in page(ada_client, INBOX)
    assert ada_client.get(f"/inbox/{told.pk}/").status_code == 404
    ada_client.post("/inbox/read/")
    assert Notification.objects.get().read_at is None


def test_all_messages_are_marked_as_read_at_once_and_keep_the_time_of_the_first(ada_client: Client, ada: User) -> None:
    before = timezone.now() - timedelta(days=1)
    message(ada, read_at=before)
    message(ada)

    ada_client.post("/inbox/read/")

    assert not Notification.objects.unread().exists()
    assert Notification.objects.filter(read_at=before).count() == 1


def test_a_full_inbox_has_pages_and_a_bounded_number_of_queries(
    ada_client: Client, ada: User, django_assert_max_num_queries: object
) -> None:
    about = execution("failed", ada)
    Notification.objects.bulk_create(
        Notification(execution=about, attempt=attempt, event="failure", channel="inapp", user=ada) for attempt in range(60)
    )

    with django_assert_max_num_queries(6):  # type: ignore[operator]  # a fixture
        assert "Page 2 of 3" in page(ada_client, f"{INBOX}?page=2")


def test_the_choices_show_what_is_usual_until_somebody_chooses(ada_client: Client, ada: User) -> None:
    assert page(ada_client, CHOICES).count(" checked") == 2

    ada_client.post(CHOICES, {"success-email": "on"})

    assert page(ada_client, CHOICES).count(" checked") == 1
    assert preferences.effective(ada)["success", "email"]
    assert not preferences.effective(ada)["failure", "email"]


def test_a_workflow_may_have_choices_of_its_own_and_lose_them(ada_client: Client, ada: User) -> None:
    path = f"{CHOICES}?workflow=user_onboarding"
    ada_client.post(path, {f"{event}-{channel}": "on" for event in Event.values for channel in Channel.values})
    assert page(ada_client, path).count(" checked") == len(Event) * len(Channel)
    assert page(ada_client, CHOICES).count(" checked") == 2

    ada_client.post(path, {"forget": "1"})

    assert page(ada_client, path).count(" checked") == 2
    assert not Preference.objects.exists()


def test_there_are_no_choices_for_what_is_no_workflow(ada_client: Client) -> None:
    assert ada_client.get(f"{CHOICES}?workflow=nonsense").status_code == 404


def test_a_webhook_is_set_shown_with_its_key_and_removed(ada_client: Client, ada: User) -> None:
    ada_client.post(CONTACT, {"webhook_url": "https://93.184.215.14/hook"})
    key = Contact.objects.get().webhook_secret
    assert key in page(ada_client, CHOICES)

    ada_client.post("/inbox/settings/secret/")
    assert key not in page(ada_client, CHOICES)

    ada_client.post(CONTACT, {"webhook_url": ""})
    assert "whsec_" not in page(ada_client, CHOICES)


@pytest.mark.parametrize("url", ["http://example.com/", "https://127.0.0.1/", "nonsense"])
def test_an_address_that_webhooks_may_not_go_to_is_refused_with_the_reason(ada_client: Client, url: str) -> None:
    answer = ada_client.post(CONTACT, {"webhook_url": url})

    assert answer.status_code == 400
    assert "errorlist" in answer.content.decode()
    assert not Contact.objects.exists()


def test_to_follow_the_executions_of_others_is_offered_to_those_who_may_see_them(ada_client: Client, client: Client) -> None:
    client.force_login(person("sam", "view_execution"))

    for browser in (ada_client, client):
        browser.post(CONTACT, {"webhook_url": "", "follows_all": "on"})

    assert "follows_all" not in page(ada_client, CHOICES)
    assert "follows_all" in page(client, CHOICES)
    assert list(Contact.objects.filter(follows_all=True).values_list("user__email", flat=True)) == ["sam@example.com"]


def test_staff_send_again_what_failed(admin_client: Client, ada: User) -> None:
    failed, sent = (
        Notification.objects.create(
            execution=execution("failed", ada), attempt=1, event="failure", channel="email", user=ada, status=status
        )
        for status in ("failed", "sent")
    )

    answer = admin_client.post(
        "/admin/notifications/notification/", {"action": "send_again", "_selected_action": [failed.pk, sent.pk]}, follow=True
    )

    assert "1 of 2 notifications had failed" in answer.content.decode()
    assert Notification.objects.filter(status="queued").get() == failed


def test_a_name_that_is_not_known_at_the_moment_may_be_later(ada: User, settings: Settings) -> None:
    assert services.set_contact(user=ada, webhook_url="https://hook.invalid/", follows_all=False).webhook_url
