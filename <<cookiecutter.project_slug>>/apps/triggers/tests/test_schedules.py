"""Triggers that Temporal fires, on a real server."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.workflowservice.v1 import ListScheduleMatchingTimesRequest
from temporalio.client import Schedule, ScheduleActionStartWorkflow, ScheduleSpec

from apps.development.testing import Temporal
from apps.schedules import services as server_side
from apps.schedules.tests.scheduling import Schedules, synced
from apps.temporal import relay
from apps.triggers import schedules, services
from apps.triggers.models import Trigger, TriggerEvent
from apps.triggers.tests.started import started
from apps.users.models import User
from apps.workflows import services as workflows
from apps.workflows.models import Workflow
from tests.installation import wait_until

pytestmark = pytest.mark.django_db
type MakeTrigger = Callable[..., Trigger]
NINE = {"cron": ["0 9 * * MON-FRI"], "time_zone": "Europe/Berlin", "input": {"amount": 1}}


@pytest.fixture
def server(on_server: Schedules) -> Schedules:
    """The server, on which this test's triggers are the only schedules of the project."""
    on_server.declare(rows=lambda: list(schedules.schedules()))
    return on_server


def test_its_time_starts_the_workflow_once(
    server: Schedules, temporal: Temporal, make_trigger: MakeTrigger, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = datetime.now(UTC)
    # Its own times are half a day away.
    trigger = make_trigger("cron", cron=[f"0 {(asked + timedelta(hours=12)).hour} * * *"], input={"amount": 1})
    relay.deliver_all()

    server_side.enqueue_schedule_change(schedules.name_of(trigger), "trigger")
    relay.deliver_all()
    wait_until(TriggerEvent.objects.exists)
    relay.deliver_all()
    execution = started().get()
    temporal.run(temporal.client.get_workflow_handle(execution.temporal_workflow_id).result())

    event = TriggerEvent.objects.get()
    assert (event.status, event.execution) == ("started", execution)
    assert event.event_id.startswith(f"{server_side.prefix()}{schedules.name_of(trigger)}-")
    assert execution.trigger == "schedule"
    due = datetime.fromisoformat(execution.context["trigger"]["scheduled_at"])
    assert asked.replace(microsecond=0) <= due <= datetime.now(UTC)


def test_it_is_created_changed_paused_resumed_and_deleted_on_the_server(
    server: Schedules, make_trigger: MakeTrigger, owner: User
) -> None:
    trigger = make_trigger("cron", **NINE)
    name = schedules.name_of(trigger)
    relay.deliver_all()
    server.listed(name)
    assert synced() == "0 created, 0 updated, 0 deleted.\n"

    services.change_trigger(trigger, user=owner, config=NINE | {"cron": ["30 7 * * *"]})
    relay.deliver_all()
    wait_until(lambda: {time.minute for time in (schedules.next_times([trigger]) or {}).get(trigger.pk, [])} == {30})

    services.set_enabled(trigger, False, user=owner)
    relay.deliver_all()
    server.listed(name, paused=[name])
    services.set_enabled(trigger, True, user=owner)
    relay.deliver_all()
    server.listed(name)

    trigger.delete()
    relay.deliver_all()
    server.listed()


def test_what_the_server_has_lost_comes_back_as_it_was(server: Schedules, make_trigger: MakeTrigger, owner: User) -> None:
    active, paused = make_trigger("cron", **NINE), make_trigger("interval", every_minutes=90, input={"amount": 1})
    services.set_enabled(paused, False, user=owner)
    relay.deliver_all()
    for trigger in (active, paused):
        server.loop.run(server.handle(schedules.name_of(trigger)).delete())

    assert synced().endswith("2 created, 0 updated, 0 deleted.\n")

    server.listed(*map(schedules.name_of, (active, paused)), paused=[schedules.name_of(paused)])
    assert server.describe(schedules.name_of(active)).schedule.spec.time_zone_name == "Europe/Berlin"


def test_schedules_of_others_are_left_alone(server: Schedules, make_trigger: MakeTrigger) -> None:
    foreign = f"{uuid4()}:trigger-{uuid4()}"
    action = ScheduleActionStartWorkflow("foreign", id=foreign, task_queue="foreign")
    server.loop.run(server.client.create_schedule(foreign, Schedule(action=action, spec=ScheduleSpec())))
    trigger = make_trigger("cron", **NINE)
    relay.deliver_all()

    trigger.delete()
    relay.deliver_all()
    synced()

    server.loop.run(server.client.get_schedule_handle(foreign).describe())
    server.loop.run(server.client.get_schedule_handle(foreign).delete())


def test_a_workflow_that_is_deleted_takes_its_schedules_along(
    server: Schedules, make_trigger: MakeTrigger, workflow: Workflow
) -> None:
    make_trigger("cron", **NINE)
    relay.deliver_all()

    workflows.delete_workflow(workflow)
    relay.deliver_all()

    server.listed()


@pytest.mark.parametrize(
    ("cron", "day", "fires"),
    [
        # The clock goes from 2 to 3: what was due between does not come.
        ("30 2 * * *", "2027-03-28", ""),
        ("0 9 * * *", "2027-03-28", "07:00"),
        # The clock goes from 3 back to 2: what is due between comes once, at one of both times.
        ("30 2 * * *", "2027-10-31", "(00|01):30"),
        ("30 1-3 * * *", "2027-10-31", "23:30 (00|01):30 02:30"),
        ("0 9 * * *", "2027-10-31", "08:00"),
    ],
)
def test_the_days_on_which_the_clock_changes(
    server: Schedules, make_trigger: MakeTrigger, cron: str, day: str, fires: str
) -> None:
    trigger = make_trigger("cron", **NINE | {"cron": [cron]})
    relay.deliver_all()

    start, end = Timestamp(), Timestamp()
    start.FromDatetime(datetime.fromisoformat(f"{day}T00:00:00Z") - timedelta(hours=2))
    end.FromDatetime(datetime.fromisoformat(f"{day}T23:00:00Z"))
    asked = ListScheduleMatchingTimesRequest(
        namespace="default", schedule_id=server.handle(schedules.name_of(trigger)).id, start_time=start, end_time=end
    )
    found = server.loop.run(server.client.workflow_service.list_schedule_matching_times(asked, retry=True))

    assert re.fullmatch(fires, " ".join(f"{time.ToDatetime():%H:%M}" for time in found.start_time))
