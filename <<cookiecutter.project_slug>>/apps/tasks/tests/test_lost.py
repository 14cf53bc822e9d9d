"""A worker that says nothing of a task is taken for lost, and one that works is not."""

from contextlib import AbstractContextManager, nullcontext

import pytest
from django.tasks import TaskResultStatus
from pytest_django import Settings
from temporalio.client import Client
from temporalio.service import RPCError

from apps.development.testing import PATIENCE, Temporal
from apps.tasks import activities
from apps.tasks.tests import work
from apps.tasks.tests.conftest import end_of
from apps.temporal import relay
from tests.installation import wait_until

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_nothing_waits_for_ever")]


async def last_heartbeat(client: Client, task_id: str) -> int:
    """When the server last heard from a task that runs, in nanoseconds: 0 when it has not."""
    try:
        beat = (await client.get_activity_handle(task_id).describe()).raw_info.last_heartbeat_time
    except RPCError:
        (info,) = (await client.get_workflow_handle(task_id).describe()).raw_description.pending_activities
        beat = info.last_heartbeat_time
    return int(beat.ToNanoseconds())


def test_the_server_hears_from_a_task_as_long_as_it_runs(temporal: Temporal, monkeypatch: pytest.MonkeyPatch) -> None:
    every: list[float] = []

    def sooner(seconds: float) -> AbstractContextManager[None]:
        every.append(seconds)
        return heartbeats(0.1)

    heartbeats = activities._heartbeats
    monkeypatch.setattr(activities, "_heartbeats", sooner)
    result = work.wait.enqueue()
    assert relay.deliver_due() == 1
    assert work.begun.wait(PATIENCE)

    heard = set()

    def hear_again() -> bool:
        heard.add(temporal.run(last_heartbeat(temporal.client, result.id)))
        return len(heard) > 2

    wait_until(hear_again, seconds=PATIENCE)
    work.may_go_on.set()
    temporal.run(end_of(temporal.client, result.id))
    result.refresh()
    assert (result.status, result.attempts) == (TaskResultStatus.SUCCESSFUL, 1)
    # A third of what the silence of a lost one lasts.
    assert every == [10.0]


def test_a_task_whose_worker_says_nothing_is_run_again(
    temporal: Temporal, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.set_options(settings, heartbeat=1)
    monkeypatch.setattr(activities, "_heartbeats", lambda _every: nullcontext())
    result = work.wait.enqueue()
    assert relay.deliver_due() == 1
    assert work.begun.wait(PATIENCE)
    result.refresh()
    while result.status == TaskResultStatus.RUNNING:
        result.refresh()

    work.may_go_on.set()
    temporal.run(end_of(temporal.client, result.id))
    result.refresh()

    assert result.return_value == "gone on"
    # Each attempt says nothing, so one more may be lost where the machine stands still.
    assert result.attempts > 1
