"""What was queued is delivered once, whenever its worker is killed, and given up where trying is of no use."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from pytest_django import Settings

from apps.development.testing import Temporal
from apps.executions.models import Execution
from apps.executions.tests.rows import execution
from apps.notifications import messages, services, tasks
from apps.notifications.models import Channel, Event, Mail, Notification
from apps.notifications.tests.receiver import Receiver
from apps.notifications.tests.reports import become
from apps.temporal import relay
from apps.temporal.models import OutboxMessage
from apps.users.models import User

pytestmark = pytest.mark.django_db
EMAIL, WEBHOOK = Channel.EMAIL, Channel.WEBHOOK


def test_a_mail_is_sent_by_a_worker_that_comes_after_the_crash(temporal: Temporal, started: Execution) -> None:
    # The process that committed this dies at once: nothing but the rows is left.
    become(started, "failed", reason="ValueError: no <such> account")
    (message,) = OutboxMessage.objects.filter(kind="activity")

    assert relay.deliver_due() == 1
    temporal.run(temporal.client.get_activity_handle(message.aggregate_id).result())

    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == (["ada@example.com"], "User onboarding failed")
    assert "ValueError: no <such> account" in sent.body
    assert f"https://example.com/executions/{started.pk}/" in sent.body
    assert set(Notification.objects.values_list("status", flat=True)) == {"sent"}


def deliver(notification: Notification, *, attempt: int = 1) -> Any:
    """As an attempt of a worker."""
    return tasks.deliver.func(type("Context", (), {"attempt": attempt})(), notification.pk)


def queued(execution: Execution, user: User, channel: str) -> Notification:
    return Notification.objects.create(execution=execution, attempt=1, event="failure", channel=channel, user=user)


def test_a_worker_killed_before_the_mark_sends_the_same_mail_or_none(ada: User, started: Execution) -> None:
    notification = queued(started, ada, EMAIL)
    deliver(notification)
    # Killed between the ledger's mark and its own: the ledger knows.
    Notification.objects.update(status="queued")
    deliver(notification)
    assert len(mail.outbox) == 1

    # Killed between the mail server's yes and the ledger's mark: the mail says that it is the same.
    Notification.objects.update(status="queued")
    Mail.objects.update(sent_at=None)
    deliver(notification)
    assert len({message.extra_headers["Message-ID"] for message in mail.outbox}) == 1


def test_a_worker_killed_before_the_mark_calls_the_webhook_under_the_same_id(
    ada: User, started: Execution, hook: Receiver
) -> None:
    notification = queued(started, ada, WEBHOOK)
    deliver(notification)
    deliver(notification)
    assert len(hook.calls) == 1

    Notification.objects.update(status="queued")
    deliver(notification)

    assert len(hook.calls) == 2
    assert {headers["webhook-id"] for headers, _ in hook.calls} == {f"notification-{notification.pk}"}


def test_a_webhook_says_what_became_of_which_execution(ada: User, started: Execution, hook: Receiver) -> None:
    deliver(queued(started, ada, WEBHOOK))

    content = json.loads(hook.calls[0][1])
    assert content["type"] == "execution.failure"
    assert content["data"] == {
        "execution": str(started.pk),
        "workflow": "user_onboarding",
        "title": "User onboarding",
        "workflow_id": started.temporal_workflow_id,
        "attempt": 1,
        "event": "failure",
        "reason": "",
        "url": f"https://example.com/executions/{started.pk}/",
    }


def test_what_may_pass_is_tried_again_and_given_up_after_the_last_attempt(
    ada: User, started: Execution, hook: Receiver, settings: Settings
) -> None:
    notification, hook.status = queued(started, ada, WEBHOOK), 503
    last = settings.TASKS["patient"]["OPTIONS"]["max_attempts"]

    for attempt, status in ((1, "queued"), (last, "failed")):
        with pytest.raises(Exception, match="503"):
            deliver(notification, attempt=attempt)
        notification.refresh_from_db()
        assert (notification.status, notification.error) == (status, "WebhookFailed: The receiver answered 503.")


def test_what_no_attempt_can_cure_is_given_up_and_may_be_sent_again_by_hand(
    ada: User, started: Execution, hook: Receiver
) -> None:
    notification, hook.status = queued(started, ada, WEBHOOK), 410
    assert deliver(notification) == "failed"

    hook.status = 204
    assert services.send_again(notification)
    assert not services.send_again(notification)
    assert deliver(notification) == "sent"


def test_a_mail_for_an_account_that_was_closed_is_not_sent(ada: User, started: Execution) -> None:
    notification = queued(started, ada, EMAIL)
    User.objects.update(is_active=False)

    assert deliver(notification) == "failed"
    assert mail.outbox == []


def test_when_everything_fails_at_once_an_account_gets_so_many_mails_and_no_more(
    ada: User, started: Execution, settings: Settings
) -> None:
    settings.NOTIFICATION_MAILS_AN_HOUR = 2
    many = [queued(execution("failed", ada), ada, EMAIL) for _ in range(3)]
    assert [deliver(notification) for notification in many] == ["sent", "sent", "failed"]

    Notification.objects.filter(status="sent").update(sent_at=timezone.now() - timedelta(hours=2))
    services.send_again(many[2])

    assert deliver(many[2]) == "sent"
    assert len(mail.outbox) == 3


def test_a_project_may_word_a_workflows_messages_itself(ada: User, started: Execution, settings: Settings, tmp_path: Any) -> None:
    folder = tmp_path / "notifications" / "user_onboarding"
    folder.mkdir(parents=True)
    (folder / "failure.txt").write_text("Nobody was welcomed\n\nWrite to them & say <sorry>.\n")
    settings.TEMPLATES = [settings.TEMPLATES[0] | {"DIRS": [tmp_path, *settings.TEMPLATES[0]["DIRS"]]}]

    deliver(queued(started, ada, EMAIL))

    (sent,) = mail.outbox
    assert (sent.subject, sent.body) == ("Nobody was welcomed", "Write to them & say <sorry>.\n")


@pytest.mark.parametrize("event", Event.values)
def test_every_event_has_its_words(ada: User, started: Execution, event: str) -> None:
    notification = Notification(execution=started, attempt=2, event=event, channel=EMAIL, user=ada, reason="because")

    subject, body = messages.words(notification)

    assert subject.startswith("User onboarding ")
    assert str(started.pk) in body
