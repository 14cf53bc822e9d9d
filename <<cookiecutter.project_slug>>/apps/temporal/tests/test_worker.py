"""The worker's shape, and its commands. Signals, kills and a late server: tests/test_faults_*.py."""

from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import get_commands, load_command_class
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import FixedSizeSlotSupplier

from apps.development.testing import PATIENCE, EventLoopThread
from apps.temporal import registry
from apps.temporal.management.commands import run_temporal_worker, runworker
from apps.temporal.queues import Limits
from apps.temporal.tests.conftest import Probe
from apps.temporal.worker import LOCAL_ACTIVITY_THREADS, build_worker
from apps.users.models import User

COMMANDS = sorted(name for name, app in get_commands().items() if str(app).startswith("apps."))


def test_as_many_activities_as_slots_run_at_once(probe: Probe) -> None:
    meeting = Barrier(4)

    @activity.defn
    def meet() -> None:
        meeting.wait(PATIENCE)

    assert probe(meet, times=4, slots=4) == 4


@pytest.mark.django_db(transaction=True)
def test_activities_that_use_the_database_run_at_once_too(probe: Probe) -> None:
    meeting = Barrier(4)

    @activity.defn
    def ask_and_meet() -> None:
        User.objects.count()
        meeting.wait(PATIENCE)
        User.objects.count()

    assert probe(ask_and_meet, times=4, slots=4) == 4


def test_no_more_activities_than_slots_run_at_once(probe: Probe) -> None:
    meeting = Barrier(4)

    @activity.defn
    def meet() -> None:
        meeting.wait(0.5)

    assert probe(meet, times=4, slots=3) == 0


def test_a_worker_has_a_thread_for_each_slot_and_runs_all_that_is_registered(
    temporal_client: Client, loop_thread: EventLoopThread
) -> None:
    async def build() -> dict[str, Any]:
        async with build_worker(temporal_client, task_queue=str(uuid4()), limits=Limits(slots=7, memory=1)) as worker:
            return dict(worker.config())

    config = loop_thread.run(build())

    assert config["tuner"]._get_activity_task_slot_supplier() == FixedSizeSlotSupplier(7)
    assert config["activity_executor"]._max_workers == 7 + LOCAL_ACTIVITY_THREADS
    assert config["workflows"] == list(registry.workflows().values())
    assert config["activities"] == list(registry.activities().values())


def test_both_names_of_the_worker_command_are_one_command() -> None:
    assert run_temporal_worker.Command is runworker.Command
    assert {"runworker", "run_temporal_worker"} <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself(name: str) -> None:
    command = load_command_class(get_commands()[name], name)

    said = command.create_parser("manage.py", name).format_help()

    assert command.help.split(".")[0].split()[0] in said
    assert f"manage.py {name}" in said
