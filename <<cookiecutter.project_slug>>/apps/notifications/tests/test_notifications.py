"""What becomes of an execution is told once to who wants to know, and lost by no crash."""

from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from apps.executions import projection
from apps.executions.models import Execution
from apps.executions.tests.rows import execution, person
from apps.notifications import preferences, services
from apps.notifications.models import Channel, Event, Mail, Notification
from apps.notifications.tests.reports import become
from apps.temporal.models import OutboxMessage
from apps.users.models import User

pytestmark = pytest.mark.django_db
INAPP, EMAIL, WEBHOOK = Channel.INAPP, Channel.EMAIL, Channel.WEBHOOK


def told() -> list[tuple[str, str, str, int]]:
    return sorted(Notification.objects.values_list("user__email", "event", "channel", "attempt"))


def only(user: User, *chosen: tuple[str, str], workflow: str = "") -> None:
    """Have an account told of exactly that."""
    every = {(event, channel): (event, channel) in chosen for event in Event.values for channel in Channel.values}
    preferences.choose(user, workflow, every)
    cache.clear()


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


def test_going_on_after_a_pause_or_a_reset_is_no_start(ada: User) -> None:
    paused, failed = execution("paused", ada), execution("failed", ada)
    only(ada, ("start", INAPP))

    become(paused, "running")
    with transaction.atomic():
        projection.begin_attempt(projection.locked(failed), reason="", keep_done=True)

    assert told() == []


def test_what_a_person_ended_is_told_to_nobody(ada: User, started: Execution) -> None:
    only(ada, *((event, INAPP) for event in Event.values))

    become(started, "canceled", action="cancel")

    assert told() == []


def test_who_was_onboarded_by_code_hears_of_its_failure_only_if_he_asked(ada: User) -> None:
    silent, heard = execution("running", ada), execution("running", ada)
    services.set_contact(user=person("eve"), webhook_url="", follows_all=True)

    become(silent, "failed")
    only(ada, ("failure", INAPP))
    become(heard, "failed")

    assert [notification.execution for notification in Notification.objects.all()] == [heard]


@pytest.mark.parametrize("trigger", sorted(set(Execution.Trigger.values) - {"code", "outside"}))
def test_a_failure_is_told_to_whose_trigger_started_it(ada: User, trigger: str) -> None:
    become(execution("running", ada, trigger=trigger), "failed")

    assert told() == [("ada@example.com", "failure", "email", 1), ("ada@example.com", "failure", "inapp", 1)]


@pytest.mark.parametrize("trigger", ["code", "outside"])
def test_what_code_started_fails_without_a_word_to_whom_it_is_about(ada: User, trigger: str) -> None:
    become(execution("running", ada, trigger=trigger), "failed")

    assert told() == []


def test_of_what_fires_each_minute_failures_alone_are_told_by_default_and_the_rest_to_who_asked(
    ada: User, settings: Settings
) -> None:
    settings.NOTIFICATION_DEFAULTS = {event: ["inapp"] for event in Event.values}
    by_hand, fired = execution("pending", ada, trigger="manual"), execution("pending", ada, trigger="schedule")

    for each in (by_hand, fired):
        for status in ("running", "paused", "running", "completed"):
            become(each, status)
    assert sorted(Notification.objects.values_list("execution__trigger", "event")) == [
        ("manual", "pause"),
        ("manual", "start"),
        ("manual", "success"),
    ]

    only(ada, ("success", INAPP))
    become(execution("running", ada, trigger="schedule"), "completed")
    assert Notification.objects.filter(execution__trigger="schedule", event="success").exists()


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


def test_executions_that_nobody_wants_to_hear_of_cost_no_query(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preferences, "REMEMBERED", 3600)
    services.notify(execution("completed", ada), "success")
    silent = [execution("completed", ada) for _ in range(10)]

    with CaptureQueriesContext(
        connection,
    ) as queries:
        for each in silent:
            for event in ("start", "pause", "success", "failure"):
                list(preferences.recipients(each, event))

    assert len(queries) == 0


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
