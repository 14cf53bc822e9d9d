"""Planned, started by hand, stopped, tried again: each is one line of the audit trail and is told to Temporal once."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import transaction
from pytest_django import Settings

from apps.development.testing import PATIENCE, Temporal
from apps.executions import buffer, catalog, services
from apps.executions.models import Execution, ExecutionEvent
from apps.executions.states import IllegalTransition
from apps.temporal import client
from apps.temporal.exceptions import ExecutionFailed
from apps.temporal.models import OutboxMessage
from apps.temporal.relay import deliver_all
from apps.users.models import User
from tests.installation import wait_until

pytestmark = pytest.mark.django_db

# All tests share one server, which knows the onboarding of each account's id.
ids = iter(range(uuid4().int % 10**9, 2 * 10**9))


@pytest.fixture
def ada() -> User:
    (ada,) = User.objects.bulk_create([User(pk=next(ids), email="ada@example.com", name="Ada")])
    return ada


@pytest.fixture
def nobody() -> int:
    return next(ids)


def plan(user: User, *, of: int | None = None, **more: Any) -> Execution:
    values = {"user_id": of or user.pk, "email": "ada@example.com", "name": "Ada", "follow_up_delay": 0}
    return services.plan_execution(workflow="user_onboarding", values=values, user=user, **more)


def change_input(execution: Execution, changes: dict[str, Any]) -> None:
    Execution.objects.filter(pk=execution.pk).update(input={**(execution.input or {}), **changes})


def ended(execution: Execution) -> Execution:
    """Have Temporal told, and wait for the end."""
    deliver_all()
    with suppress(ExecutionFailed):
        client.result(execution.temporal_workflow_id, timeout=PATIENCE)
    execution.refresh_from_db()
    return execution


def waits(execution: Execution) -> None:
    """Wait until an onboarding has sent its first mail: from then on its worker leaves the test's connection alone."""
    wait_until(lambda: client.query(execution.temporal_workflow_id, "current_step") == "waiting to follow up", seconds=PATIENCE)
    buffer.flush()


def subjects() -> list[str]:
    """Of the mails of onboardings."""
    return [message.subject for message in mail.outbox if message.subject in {"Welcome", "How is it going?"}]


def tasks(execution: Execution) -> list[tuple[int, str, str]]:
    return list(execution.tasks.values_list("attempt", "name", "status"))


def trail(execution: Execution) -> list[tuple[str, str, str]]:
    return list(execution.events.values_list("action", "by", "after"))


def test_an_execution_is_planned_with_its_tasks_and_runs_when_it_is_started(ada: User, temporal: Temporal) -> None:
    execution = plan(ada)
    assert (execution.state, execution.tasks_total) == ("planned", 3)
    assert not OutboxMessage.objects.exists()

    execution = services.start_execution(execution, user=ada)
    assert execution.state == "queued"
    ended(execution)

    assert execution.status == "completed"
    assert tasks(execution) == [
        (1, "process_user_activity", "success"),
        (1, "send_email_activity", "success"),
        (1, "send_email_activity", "success"),
    ]
    assert trail(execution) == [
        ("planned", "user", "pending"),
        ("start", "user", "pending"),
        ("started", "workflow", "running"),
        ("completed", "workflow", "completed"),
    ]


def test_what_failed_is_tried_again_from_the_failed_step_on_the_same_row(ada: User, nobody: int, temporal: Temporal) -> None:
    execution = ended(services.start_execution(plan(ada, of=nobody), user=ada))
    assert (execution.status, execution.error_message) == ("failed", f"UnknownUser: no account {nobody}")
    User.objects.bulk_create([User(pk=nobody, email="late@example.com", name="Late")])

    execution = ended(services.reset_execution(execution, user=ada, reason="the account is there now"))

    assert (execution.status, execution.attempt, execution.error_message) == ("completed", 2, "")
    assert tasks(execution) == [
        (1, "process_user_activity", "failed"),
        (1, "send_email_activity", "skipped"),
        (1, "send_email_activity", "skipped"),
        (2, "process_user_activity", "success"),
        (2, "send_email_activity", "success"),
        (2, "send_email_activity", "success"),
    ]
    assert ("reset", "user", "running") in trail(execution)
    assert subjects() == ["Welcome", "How is it going?"]


def test_from_the_start_it_does_all_again_but_sends_no_mail_twice(ada: User, temporal: Temporal) -> None:
    execution = ended(services.start_execution(plan(ada), user=ada))
    Execution.objects.filter(pk=execution.pk).update(status="failed")

    execution = ended(services.reset_execution(execution, user=ada, to="start"))

    assert (execution.status, execution.attempt, execution.tasks_done) == ("completed", 2, 3)
    assert subjects() == ["Welcome", "How is it going?"]


def test_what_succeeded_before_the_failed_step_is_carried_over(
    ada: User, temporal: Temporal, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution = plan(ada)
    change_input(execution, {"email": "nowhere"})
    execution = ended(services.start_execution(execution, user=ada))
    assert execution.error_message == "InvalidAddress: 'nowhere' is not an e-mail address"

    execution = ended(services.reset_execution(execution, user=ada))

    assert execution.status == "failed"
    assert list(execution.tasks.filter(attempt=2).values_list("name", "status", "carried")) == [
        ("process_user_activity", "success", True),
        ("send_email_activity", "failed", False),
        ("send_email_activity", "skipped", False),
    ]
    assert (execution.tasks_done, execution.tasks_total) == (3, 3)


def test_a_planned_one_is_canceled_without_telling_anybody(ada: User) -> None:
    execution = services.cancel_execution(plan(ada), user=ada, reason="not now")

    assert (execution.status, {status for _, _, status in tasks(execution)}) == ("canceled", {"canceled"})
    assert execution.events.last() is not None
    assert not OutboxMessage.objects.exists()


def test_one_that_waits_in_the_outbox_is_withdrawn(ada: User) -> None:
    execution = services.start_execution(plan(ada), user=ada)

    execution = services.cancel_execution(execution, user=ada)

    assert execution.status == "canceled"
    assert OutboxMessage.objects.get().status == "canceled"


def test_a_running_one_is_asked_to_stop_and_says_when_it_has(ada: User, temporal: Temporal) -> None:
    execution = plan(ada)
    change_input(execution, {"follow_up_delay": 3600})
    execution = services.start_execution(execution, user=ada)
    deliver_all()
    waits(execution)

    execution = services.cancel_execution(execution, user=ada)
    assert (execution.state, execution.cancel_requested_at is not None) == ("canceling", True)
    execution = ended(execution)

    assert execution.status == "canceled"
    assert ("cancel", "user", "running") in trail(execution)


@pytest.mark.parametrize("to", ["start", "failed-step"])
@pytest.mark.parametrize("stop", [services.cancel_execution, services.terminate_execution])
def test_what_was_stopped_can_be_tried_again(
    ada: User, temporal: Temporal, settings: Settings, stop: Callable[..., Execution], to: str
) -> None:
    execution = plan(ada)
    # It asks the settings: for a wait in which it is stopped, and for none when it is tried again.
    change_input(execution, {"follow_up_delay": None})
    settings.ONBOARDING_FOLLOW_UP_DELAY = 3600
    execution = services.start_execution(execution, user=ada)
    deliver_all()
    waits(execution)
    execution = ended(stop(execution, user=ada, reason="a mistake"))
    assert not execution.is_open

    settings.ONBOARDING_FOLLOW_UP_DELAY = 0
    execution = ended(services.reset_execution(execution, user=ada, to=to))

    assert (execution.status, execution.attempt) == ("completed", 2)
    assert subjects() == ["Welcome", "How is it going?"]


def test_a_terminated_one_is_ended_at_once(ada: User, nobody: int, temporal: Temporal, settings: Settings) -> None:
    settings.TEMPORAL_TASK_QUEUE = "nobody-polls-this"
    execution = services.start_execution(plan(ada, of=nobody), user=ada)
    deliver_all()

    execution = services.terminate_execution(execution, user=ada, reason="it must stop")
    deliver_all()

    assert (execution.status, client.describe(execution.temporal_workflow_id).status) == ("terminated", "terminated")
    assert not OutboxMessage.objects.filter(kind="cancel").exists()


def test_a_terminated_one_that_waits_in_the_outbox_is_withdrawn(ada: User) -> None:
    execution = services.start_execution(plan(ada), user=ada)

    execution = services.terminate_execution(execution, user=ada, reason="it must stop")

    assert (execution.status, OutboxMessage.objects.get().status) == ("terminated", "canceled")


def test_the_same_key_is_the_same_execution(ada: User, nobody: int) -> None:
    assert plan(ada, key="k") == plan(ada, key="k")
    with pytest.raises(ValidationError, match="used for another request"):
        plan(ada, of=nobody, key="k")


def test_an_input_that_runs_already_is_refused(ada: User) -> None:
    plan(ada)
    with pytest.raises(ValidationError, match="There is an execution for this already"):
        plan(ada)


@pytest.mark.parametrize(
    ("workflow", "values", "field"),
    [
        ("no_such", {}, "workflow"),
        ("user_onboarding", {"user_id": "x", "email": "a", "name": "b"}, "input.user_id"),
        ("user_onboarding", {}, "input.email"),
        ("user_onboarding", {"user_id": 10**300, "email": "a@example.com", "name": "b"}, "input"),
        ("reconcile_executions", None, "workflow"),
    ],
)
def test_a_bad_input_is_refused_by_field(ada: User, workflow: str, values: Any, field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        services.plan_execution(workflow=workflow, values=values, user=ada)

    assert field in caught.value.message_dict
    assert not Execution.objects.exists()


def test_what_was_started_is_not_started_again(ada: User) -> None:
    execution = services.start_execution(plan(ada), user=ada)
    with pytest.raises(IllegalTransition, match="cannot be started again"):
        services.start_execution(execution, user=ada)


def test_nothing_is_left_of_what_is_rolled_back(ada: User) -> None:
    with transaction.atomic():
        services.start_execution(plan(ada), user=ada)
        transaction.set_rollback(True)

    assert not Execution.objects.exists()
    assert not OutboxMessage.objects.exists()


def test_the_audit_trail_is_only_added_to(ada: User) -> None:
    event = plan(ada).events.get()
    event.reason = "changed"
    for change in (
        event.save,
        event.delete,
        ExecutionEvent.objects.all().delete,
        lambda: ExecutionEvent.objects.update(reason=""),
    ):
        with pytest.raises(TypeError, match="only ever added to"):
            change()


def test_people_are_not_asked_for_what_a_workflow_hands_to_itself() -> None:
    assert sorted(catalog.find("batch_processing").schema["properties"]) == ["action", "batch_id", "rows", "user_ids"]
