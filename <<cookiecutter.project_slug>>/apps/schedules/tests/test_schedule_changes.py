"""What people and rows change of a schedule goes out with their transaction, has its effect once, and in order."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction
from pytest_django import Settings
from temporalio.service import RPCError

from apps.development.testing import PATIENCE, Temporal
from apps.schedules import services as schedules
from apps.schedules.tests.scheduling import NEW_YEAR, Schedules, daily, synced
from apps.temporal import client
from apps.temporal.models import OutboxMessage
from apps.temporal.relay import deliver_due
from apps.temporal.senders import send
from tests.installation import wait_until


def test_an_execution_of_a_schedule_is_this_projects_own(temporal: Temporal, on_server: Schedules, settings: Settings) -> None:
    settings.TEMPORAL_TASK_QUEUE = temporal.task_queue
    argument = {"batch_id": f"{uuid4()}", "user_ids": []}
    on_server.declare(daily(workflow="batch_processing", argument=argument, cron=NEW_YEAR))
    synced()
    schedules.enqueue_schedule_change("daily", "trigger")
    deliver_due()

    wait_until(lambda: on_server.describe("daily").info.num_actions == 1, seconds=PATIENCE)
    on_server.listed("daily")
    wait_until(lambda: len(schedules.states()[0].last_runs) == 1, seconds=PATIENCE)
    (workflow_id,) = schedules.states()[0].last_runs
    assert workflow_id.startswith(f"{schedules.prefix()}daily-")
    result = temporal.run(temporal.client.get_workflow_handle(workflow_id).result())
    assert result["total"] == 0


def test_its_input_is_encrypted_and_a_sync_changes_the_key(
    on_server: Schedules, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_keys(*names: str) -> str:
        # The process's client has the keys of its first moment.
        monkeypatch.setattr(client, "_portals", {})
        settings.TEMPORAL_ENCRYPTION_KEYS = {name: (name * 32).encode()[:32] for name in names}
        return synced()

    def key() -> bytes:
        (payload,) = on_server.describe("daily").schedule.action.args  # type: ignore[attr-defined]  # it starts a workflow
        return bytes(payload.metadata.get("encryption-key-id", b""))

    on_server.declare(daily())
    assert (with_keys(), key()) == ("daily: create\n1 created, 0 updated, 0 deleted.\n", b"")
    assert (with_keys("old"), key()) == ("daily: update args\n0 created, 1 updated, 0 deleted.\n", b"old")
    assert (with_keys("new", "old"), key()) == ("daily: update args\n0 created, 1 updated, 0 deleted.\n", b"new")
    assert with_keys("new") == "0 created, 0 updated, 0 deleted.\n"


@pytest.mark.django_db
def test_run_now_that_is_sent_twice_runs_once(on_server: Schedules) -> None:
    on_server.declare(daily(overlap="allow_all", cron=NEW_YEAR))
    synced()
    first, second = (schedules.enqueue_schedule_change("daily", "trigger") for _ in range(2))
    first.created_at -= timedelta(seconds=10)

    for message in (first, first, second):
        on_server.loop.run(send(on_server.client, message))

    wait_until(lambda: on_server.describe("daily").info.num_actions >= 2, seconds=PATIENCE)
    assert on_server.describe("daily").info.num_actions == 2


@pytest.mark.django_db
def test_changes_in_quick_succession_are_all_done(on_server: Schedules) -> None:
    on_server.declare(daily(overlap="allow_all", cron=NEW_YEAR))
    synced()

    for change in ("pause", "trigger", "resume", "pause"):
        message = schedules.enqueue_schedule_change("daily", change, note="quick")
        on_server.loop.run(send(on_server.client, message))

    state = on_server.describe("daily").schedule.state
    assert (state.paused, state.note) == (True, "quick")
    wait_until(lambda: on_server.describe("daily").info.num_actions == 1, seconds=PATIENCE)


@pytest.mark.django_db
def test_pause_and_resume_go_out_with_the_transaction_and_in_order(on_server: Schedules) -> None:
    on_server.declare(daily())
    synced()
    with transaction.atomic():
        schedules.enqueue_schedule_change("daily", "pause", note="rolled back")
        transaction.set_rollback(True)
    assert deliver_due() == 0

    schedules.enqueue_schedule_change("daily", "pause", note="holidays")
    deliver_due()
    state = on_server.describe("daily").schedule.state
    assert (state.paused, state.note) == (True, "holidays")

    schedules.enqueue_schedule_change("daily", "resume")
    deliver_due()
    state = on_server.describe("daily").schedule.state
    assert (state.paused, state.note) == (False, "resume")


@pytest.mark.django_db
def test_a_row_creates_changes_and_deletes_its_schedule_and_a_repetition_changes_nothing(on_server: Schedules) -> None:
    on_server.declare()
    rows = [
        schedules.enqueue_schedule(daily(every=timedelta(hours=1), jitter=timedelta(seconds=3)), key="1"),
        schedules.enqueue_schedule(daily(cron=("0 7 * * *",)), key="2"),
    ]
    for message in (rows[0], rows[0], *rows, rows[1]):
        on_server.loop.run(send(on_server.client, message))

    on_server.declare(daily(cron=("0 7 * * *",)))
    assert synced() == "0 created, 0 updated, 0 deleted.\n"

    delete = schedules.enqueue_schedule_change("daily", "delete")
    for _ in range(2):
        on_server.loop.run(send(on_server.client, delete))
    with pytest.raises(RPCError, match="not found"):
        on_server.describe("daily")


@pytest.mark.django_db
def test_a_change_of_a_schedule_that_is_not_there_is_dead_and_says_why(on_server: Schedules) -> None:
    message = schedules.enqueue_schedule_change("daily", "pause")

    deliver_due()

    message.refresh_from_db()
    assert message.status == OutboxMessage.Status.DEAD
    assert "refused the schedule" in message.last_error


@pytest.mark.django_db
def test_a_wrong_row_is_refused(on_server: Schedules) -> None:
    with pytest.raises(ValueError, match=r"'60 6 [*] [*] [*]' is no cron expression"):
        schedules.enqueue_schedule(daily(cron=("60 6 * * *",)), key="1")
