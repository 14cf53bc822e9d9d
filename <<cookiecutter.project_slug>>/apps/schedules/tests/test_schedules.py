"""Schedules: what is declared, what the server has, and the ways from one to the other. No test waits for a fire time."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError
from pytest_django import Settings
from temporalio.client import Schedule, ScheduleActionStartWorkflow, ScheduleOverlapPolicy, ScheduleSpec, ScheduleUpdate

from apps.development.testing import NOWHERE
from apps.schedules import services as schedules
from apps.schedules.checks import check_schedules
from apps.schedules.tests.scheduling import Schedules, daily, synced


def by_hand(server: Schedules, name: str, change: Callable[[Schedule], None]) -> None:
    def apply(now: Any) -> ScheduleUpdate:
        change(now.description.schedule)
        return ScheduleUpdate(now.description.schedule)

    server.loop.run(server.handle(name).update(apply))


def test_the_server_is_made_to_match_what_is_declared(on_server: Schedules) -> None:
    on_server.declare(daily(), daily(name="hourly", cron=(), every=timedelta(hours=1)))

    assert synced() == "daily: create\nhourly: create\n2 created, 0 updated, 0 deleted.\n"
    assert synced() == "0 created, 0 updated, 0 deleted.\n"

    on_server.listed("daily", "hourly")
    on_server.declare(daily(cron=("0 7 * * MON-FRI",), argument={"user_id": 8}))
    assert synced("--dry-run").endswith("\n0 to create, 1 to update, 1 to delete.\n")
    assert synced() == (
        "daily: update args; calendars ['0 6 1-31 1-12 0-6'] -> ['0 7 1-31 1-12 1-5']\n"
        "hourly: delete\n0 created, 1 updated, 1 deleted.\n"
    )
    assert synced() == "0 created, 0 updated, 0 deleted.\n"
    on_server.listed("daily")


def test_a_dry_run_changes_nothing(on_server: Schedules) -> None:
    on_server.declare(daily())

    assert synced("--dry-run") == "daily: create\n1 to create, 0 to update, 0 to delete.\n"

    assert synced() == "daily: create\n1 created, 0 updated, 0 deleted.\n"


def test_schedules_of_others_are_never_touched(on_server: Schedules) -> None:
    ids = [f"{prefix}nightly" for prefix in (f"{uuid4()}:", schedules.prefix()[:-1], f"{schedules.prefix()}eu:")]
    for schedule_id in ids:
        action = ScheduleActionStartWorkflow("foreign", id=schedule_id, task_queue="foreign")
        on_server.loop.run(on_server.client.create_schedule(schedule_id, Schedule(action=action, spec=ScheduleSpec())))
    on_server.declare(daily())
    synced()
    on_server.listed("daily")
    on_server.declare()

    assert synced() == "daily: delete\n0 created, 0 updated, 1 deleted.\n"

    for schedule_id in ids:
        on_server.loop.run(on_server.client.get_schedule_handle(schedule_id).delete())


def test_a_pause_made_by_a_person_stays(on_server: Schedules) -> None:
    on_server.declare(daily())
    synced()
    on_server.loop.run(on_server.handle("daily").pause(note="holidays"))

    assert synced() == "0 created, 0 updated, 0 deleted.\n"
    on_server.declare(daily(cron=("0 7 * * *",)))
    assert "1 updated" in synced()

    state = on_server.describe("daily").schedule.state
    assert (state.paused, state.note) == (True, "holidays")


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("calendars", lambda now: now.spec.calendars.clear()),
        ("intervals", lambda now: setattr(now.spec, "intervals", [])),
        ("start_at", lambda now: setattr(now.spec, "start_at", datetime(2026, 1, 1, tzinfo=UTC))),
        ("time_zone_name", lambda now: setattr(now.spec, "time_zone_name", "Asia/Tokyo")),
        ("jitter", lambda now: setattr(now.spec, "jitter", timedelta(seconds=1))),
        ("overlap", lambda now: setattr(now.policy, "overlap", ScheduleOverlapPolicy.ALLOW_ALL)),
        ("catchup_window", lambda now: setattr(now.policy, "catchup_window", timedelta(hours=1))),
        ("pause_on_failure", lambda now: setattr(now.policy, "pause_on_failure", True)),
        ("workflow", lambda now: setattr(now.action, "workflow", "another")),
        ("args", lambda now: setattr(now.action, "args", [1])),
        ("task_queue", lambda now: setattr(now.action, "task_queue", "another")),
        ("execution_timeout", lambda now: setattr(now.action, "execution_timeout", timedelta(hours=1))),
    ],
)
def test_what_was_changed_by_hand_is_mended(on_server: Schedules, field: str, change: Callable[[Schedule], None]) -> None:
    on_server.declare(daily(every=timedelta(days=30)))
    synced()
    by_hand(on_server, "daily", change)

    said = synced()

    assert said.startswith(f"daily: update {field}")
    assert synced() == "0 created, 0 updated, 0 deleted.\n"


def test_the_order_of_an_arguments_names_is_no_difference(on_server: Schedules) -> None:
    on_server.declare(daily(argument={"user_id": 7, "name": "Ada"}))
    synced()

    on_server.declare(daily(argument={"name": "Ada", "user_id": 7}))

    assert synced() == "0 created, 0 updated, 0 deleted.\n"


def test_every_wish_reaches_the_server(on_server: Schedules, settings: Settings) -> None:
    settings.TEMPORAL_DEDICATED_TENANTS = ["acme"]
    wanted = daily(
        every=timedelta(hours=5),
        time_zone="America/New_York",
        jitter=timedelta(seconds=20),
        overlap="buffer_one",
        catch_up=timedelta(minutes=5),
        paused=True,
        tenant="acme",
    )
    on_server.declare(wanted)
    synced()

    found = on_server.describe("daily").schedule
    assert found.spec.time_zone_name == "America/New_York"
    assert found.spec.jitter == timedelta(seconds=20)
    assert [interval.every for interval in found.spec.intervals] == [timedelta(hours=5)]
    assert (found.policy.overlap, found.policy.catchup_window) == (ScheduleOverlapPolicy.BUFFER_ONE, timedelta(minutes=5))
    assert found.state.paused
    assert isinstance(found.action, ScheduleActionStartWorkflow)
    assert found.action.task_queue == f"{schedules.prefix()[:-1]}-tenant-acme"
    assert synced() == "0 created, 0 updated, 0 deleted.\n"


def test_a_tenant_without_a_queue_of_its_own_gets_its_fair_share(on_server: Schedules, settings: Settings) -> None:
    on_server.declare(daily(tenant="small"))
    synced()

    action = on_server.describe("daily").schedule.action
    assert isinstance(action, ScheduleActionStartWorkflow)
    assert (action.task_queue, action.priority.fairness_key) == (settings.TEMPORAL_TASK_QUEUE, "small")
    assert synced() == "0 created, 0 updated, 0 deleted.\n"


CRONS = (
    "0 6 * * *",
    "*/15 * * * *",
    "5/15 * * * *",
    "0 9-17/2 * * mon-FRI",
    "0 0 1,15 jan,Jun *",
    "0 0 * * 0,6",
    "59 23 31 12 *",
)


@pytest.mark.parametrize("cron", CRONS)
def test_a_cron_expression_means_what_the_server_takes_it_to_mean(on_server: Schedules, cron: str) -> None:
    schedule_id = f"cron-{uuid4()}"
    action = ScheduleActionStartWorkflow("foreign", id=schedule_id, task_queue="foreign")
    create = on_server.client.create_schedule(schedule_id, Schedule(action=action, spec=ScheduleSpec(cron_expressions=[cron])))
    handle = on_server.loop.run(create)
    found = on_server.loop.run(handle.describe())
    on_server.loop.run(handle.delete())

    (calendar,) = found.schedule.spec.calendars
    ours = schedules.calendar(cron)
    assert {name: list(value or ()) for name, value in vars(ours).items()} == {
        name: list(value or ()) for name, value in vars(calendar).items()
    }


WRONG: dict[str, dict[str, Any]] = {
    "It has no times": {"cron": ()},
    "every must be a second or more": {"cron": (), "every": timedelta(seconds=0.5)},
    "no workflow 'yearly_report'": {"workflow": "yearly_report"},
    "No time zone found with key Mars/Olympus": {"time_zone": "Mars/Olympus"},
    "no overlap 'maybe': choose skip, ": {"overlap": "maybe"},
    "catch_up must be 10 seconds": {"catch_up": timedelta(seconds=1)},
    "The name must be": {"name": "eu:daily"},
    "write minute, hour, day of month": {"cron": ("0 6 * *",)},
    "'60' is no minute from 0 to 59": {"cron": ("60 6 * * *",)},
    "'7' is no day_of_week from 0 to 6": {"cron": ("0 6 * * 7",)},
    "'JAN' is no day_of_week": {"cron": ("0 6 * * jan",)},
    "'9-7' is no hour": {"cron": ("0 9-7 * * *",)},
    "'*/0' is no minute": {"cron": ("*/0 * * * *",)},
    "'0' is no month": {"cron": ("0 0 1 0 *",)},
}


@pytest.mark.parametrize("sentence", WRONG)
def test_a_wrong_declaration_is_refused_before_anything_is_changed(on_server: Schedules, sentence: str) -> None:
    on_server.declare(daily(name="right"), daily(**WRONG[sentence]))

    with pytest.raises(CommandError, match=r"in apps\.shop\.schedules: ") as refused:
        synced()
    (problem,) = check_schedules()

    assert sentence in str(refused.value)
    assert (problem.id, problem.msg) == ("temporal.E101", str(refused.value))
    on_server.declare(daily(name="right"))
    assert synced("--dry-run").startswith("right: create\n")


def test_a_name_is_declared_once(on_server: Schedules) -> None:
    on_server.declare(daily(), rows=lambda: [daily(cron=("0 7 * * *",))])

    assert check_schedules() == []
    with pytest.raises(CommandError, match=r"Schedule 'daily' in apps\.shop\.schedules: It is declared twice\."):
        synced()


def test_rows_that_change_during_a_sync_are_synced_as_they_are_in_the_end(on_server: Schedules) -> None:
    answers = iter([[daily(), daily(name="gone")], [daily(cron=("0 7 * * *",))], [daily(cron=("0 7 * * *",))]])
    on_server.declare(rows=lambda: next(answers))

    schedules.sync()

    on_server.listed("daily")
    on_server.declare(daily(cron=("0 7 * * *",)))
    assert synced() == "0 created, 0 updated, 0 deleted.\n"


def test_without_a_server_the_command_says_so(on_server: Schedules, settings: Settings) -> None:
    settings.TEMPORAL_ADDRESS = NOWHERE
    on_server.declare(daily())

    with pytest.raises(CommandError, match=f"Temporal at {NOWHERE}"):
        synced()
