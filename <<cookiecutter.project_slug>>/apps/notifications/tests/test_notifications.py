"""What becomes of an execution is told once to who wants to know, and lost by no crash."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.core.cache import cache
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from apps.development.testing import Temporal
from apps.executions import projection
from apps.executions.models import Execution
from apps.executions.tests.rows import execution, person
from apps.notifications import messages, preferences, services, tasks
from apps.notifications.models import Channel, Contact, Event, Mail, Notification
from apps.notifications.tests.receiver import SECRET, Receiver, receiver
from apps.temporal import relay
from apps.temporal.models import OutboxMessage
from apps.users.models import User

pytestmark = pytest.mark.django_db
INAPP, EMAIL, WEBHOOK = Channel.INAPP, Channel.EMAIL, Channel.WEBHOOK


def become(execution: Execution, status: str, *, action: str = "", reason: str = "") -> None:
    """As a worker reports it."""
    with transaction.atomic():
        projection.change(projection.locked(execution), status, action or status, by="workflow", reason=reason)


def told() -> list[tuple[str, str, str, int]]:
    return sorted(Notification.objects.values_list("user__email", "event", "channel", "attempt"))


def only(user: User, *chosen: tuple[str, str], workflow: str = "") -> None:
    """Have an account told of exactly that."""
    every = {(event, channel): (event, channel) in chosen for event in Event.values for channel in Channel.values}
    preferences.choose(user, workflow, every)
    cache.clear()


@pytest.fixture
def ada() -> User:
    return person("ada")


@pytest.fixture
def started(ada: User) -> Execution:
    """One that she started by hand."""
    return execution("running", ada, trigger="manual")


@pytest.fixture
def hook(settings: Settings, ada: User) -> Iterator[Receiver]:
    """Her webhook."""
    settings.WEBHOOK_ALLOW_INTERNAL = True
    with receiver() as running:
        Contact.objects.create(user=ada, webhook_url=running.url, webhook_secret=SECRET)
        yield running


def test_a_failure_is_told_in_the_inbox_and_by_mail_unless_somebody_chose_otherwise(started: Execution) -> None:
    become(started, "failed", reason="ValueError: no such account")

    assert told() == [("ada@example.com", "failure", "email", 1), ("ada@example.com", "failure", "inapp", 1)]
    assert set(Notification.objects.values_list("reason", flat=True)) == {"ValueError: no such account"}
    assert OutboxMessage.objects.filter(kind="activity").count() == 1


@pytest.mark.parametrize("status", ["completed", "canceled", "terminated", "paused"])
def test_nothing_else_is_told_by_default(started: Execution, status: str) -> None:
    become(started, status)

    assert told() == []


def test_a_start_a_pause_a_success_and_a_timeout_are_told_to_who_asked(ada: User) -> None:
    only(ada, ("start", INAPP), ("pause", INAPP), ("success", INAPP), ("failure", INAPP))
    first, second = execution("pending", ada), execution("running", ada)

    for status in ("running", "paused", "running", "completed"):
        become(first, status)
    become(second, "timed_out")

    assert [event for _, event, _, _ in told()] == ["failure", "pause", "start", "success"]


def test_what_a_person_ended_is_told_to_nobody(ada: User, started: Execution) -> None:
    only(ada, *((event, INAPP) for event in Event.values))

    become(started, "canceled", action="cancel")

    assert told() == []


def test_who_was_onboarded_by_code_hears_of_its_failure_only_if_he_asked(ada: User) -> None:
    silent, heard = execution("running", ada), execution("running", ada)

    become(silent, "failed")
    only(ada, ("failure", INAPP))
    become(heard, "failed")

    assert [notification.execution for notification in Notification.objects.all()] == [heard]


def test_a_choice_for_a_workflow_comes_before_the_one_for_all(ada: User) -> None:
    only(ada, ("failure", INAPP))
    only(ada, ("success", INAPP), workflow="batch_processing")

    for workflow in ("batch_processing", "user_onboarding"):
        become(execution("running", ada, workflow=workflow), "failed")
        become(execution("running", ada, workflow=workflow), "completed")

    found = Notification.objects.values_list("execution__workflow", "event")
    assert sorted(found) == [("batch_processing", "success"), ("user_onboarding", "failure")]


def test_the_executions_of_others_are_told_to_who_follows_them_and_may_see_them(started: Execution) -> None:
    for user in (person("eve"), person("sam", "view_execution"), person("old", "view_execution", is_active=False)):
        services.set_contact(user=user, webhook_url="", follows_all=True)

    become(started, "failed")
    become(execution("running"), "failed")

    assert [row for row in told() if row[0] != "ada@example.com"] == [
        ("sam@example.com", "failure", "email", 1),
        ("sam@example.com", "failure", "email", 1),
        ("sam@example.com", "failure", "inapp", 1),
        ("sam@example.com", "failure", "inapp", 1),
    ]


def test_an_account_that_is_not_active_is_told_nothing(started: Execution, ada: User) -> None:
    User.objects.update(is_active=False)

    become(started, "failed")

    assert told() == []


def test_without_a_webhook_none_is_queued(ada: User, started: Execution) -> None:
    only(ada, ("failure", WEBHOOK))

    become(started, "failed")

    assert told() == []


def test_each_attempt_is_told_once(ada: User, started: Execution) -> None:
    for _ in range(2):
        become(started, "failed")
        with transaction.atomic():
            services.notify(projection.locked(started), "failure", reason="told again")
            projection.begin_attempt(projection.locked(started), reason="", keep_done=True)

    assert [(channel, attempt) for _, _, channel, attempt in told()] == [("email", 1), ("email", 2), ("inapp", 1), ("inapp", 2)]
    assert OutboxMessage.objects.filter(kind="activity").count() == 2


def test_a_change_that_is_rolled_back_tells_nobody(started: Execution) -> None:
    with transaction.atomic():
        become(started, "failed")
        transaction.set_rollback(True)

    assert told() == []
    assert not OutboxMessage.objects.filter(kind="activity").exists()


def test_executions_that_nobody_wants_to_hear_of_cost_no_query(ada: User) -> None:
    services.notify(execution("completed", ada), "success")
    silent = [execution("completed", ada) for _ in range(10)]

    with CaptureQueriesContext(
        connection,
    ) as queries:
        for each in silent:
            for event in ("start", "pause", "success", "failure"):
                list(preferences.recipients(each, event))

    assert len(queries) == 0


def test_a_mail_is_sent_by_a_worker_that_comes_after_the_crash(temporal: Temporal, started: Execution) -> None:
    # The process that committed this dies at once: nothing but the rows is left.
    become(started, "failed", reason="ValueError: no such account")
    (message,) = OutboxMessage.objects.filter(kind="activity")

    assert relay.deliver_due() == 1
    temporal.run(temporal.client.get_activity_handle(message.aggregate_id).result())

    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == (["ada@example.com"], "User onboarding failed")
    assert "ValueError: no such account" in sent.body
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


def test_mails_are_sent_again_after_a_reset_that_asks_for_it_and_by_no_other(ada: User) -> None:
    failed = execution("failed", ada, temporal_workflow_id="onboarding-1", temporal_run_id=str(uuid4()))
    for key in ("onboarding-1:welcome", "onboarding-12:welcome", "Onboarding-1:welcome"):
        Mail.objects.create(key=key, recipient="ada@example.com", subject="Welcome")

    with transaction.atomic():
        projection.begin_attempt(projection.locked(failed), reason="", keep_done=False)
    assert Mail.objects.filter(key="onboarding-1:welcome").exists()

    become(failed, "failed")
    with transaction.atomic():
        projection.begin_attempt(projection.locked(failed), reason="", keep_done=False, repeat_effects=True)

    assert sorted(Mail.objects.values_list("key", flat=True)) == [
        "Onboarding-1:welcome",
        "attempt 2 of onboarding-1:welcome",
        "onboarding-12:welcome",
    ]
