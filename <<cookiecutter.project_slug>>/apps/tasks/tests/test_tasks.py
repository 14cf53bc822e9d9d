"""Tasks run. Those whose worker is lost: test_lost.py. What is enqueued and refused: test_backends.py."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.dispatch import Signal
from django.tasks import TaskResultStatus, default_task_backend
from django.tasks.exceptions import TaskResultDoesNotExist
from django.tasks.signals import task_enqueued, task_finished, task_started
from django.utils import timezone
from pytest_django import Settings
from temporalio.service import RPCError

from apps.development.testing import PATIENCE, Temporal
from apps.tasks import activities, runs
from apps.tasks.backends import TemporalBackend
from apps.tasks.tests import work
from apps.tasks.tests.conftest import Result, Settle, end_of
from apps.temporal import relay
from apps.temporal.models import OutboxMessage

pytestmark = pytest.mark.django_db


def assert_in_order(result: Result) -> None:
    assert result.enqueued_at <= result.started_at <= result.finished_at


def test_a_task_runs_and_its_result_is_known(settle: Settle) -> None:
    result = work.echo.enqueue(1, ["two"], three={"four": 5.5})
    assert (result.status, result.attempts, result.is_finished) == (TaskResultStatus.READY, 0, False)
    with pytest.raises(ValueError, match="not finished yet"):
        _ = result.return_value

    settle(result)

    assert (result.status, result.attempts, result.errors) == (TaskResultStatus.SUCCESSFUL, 1, [])
    assert result.return_value == [[1, ["two"]], {"three": {"four": 5.5}}]
    assert_in_order(result)
    assert result.last_attempted_at == result.started_at
    assert result.worker_ids == [activities.WORKER_ID]
    assert (result.task, result.args, result.kwargs) == (work.echo, [1, ["two"]], {"three": {"four": 5.5}})
    assert result.backend == "default"


def test_a_coroutine_runs_and_is_enqueued_and_asked_for_from_async_code(settle: Settle) -> None:
    result: Result = async_to_sync(work.echo_async.aenqueue)("word")

    settle(result)

    asked: Result = async_to_sync(work.echo_async.aget_result)(result.id)
    async_to_sync(result.arefresh)()
    assert asked.return_value == "word"
    assert result.return_value == "word"


@pytest.mark.parametrize(
    ("task", "arguments", "exception", "said"),
    [
        (work.fail, ["no"], ValueError, "ValueError: no\n"),
        (work.leave, [], SystemExit, "SystemExit: leaving\n"),
        (work.give_an_object, [], TypeError, "TypeError: Unsupported type: <class 'object'>\n"),
        (work.add, [1], TypeError, "add() missing 1 required positional argument: 'second'\n"),
    ],
    ids=["exception", "exit", "no JSON", "wrong arguments"],
)
def test_a_task_that_raises_has_failed(settle: Settle, task: Any, arguments: Any, exception: type, said: str) -> None:
    result = settle(task.enqueue(*arguments))

    assert (result.status, result.attempts) == (TaskResultStatus.FAILED, 1)
    with pytest.raises(ValueError, match="Task failed"):
        _ = result.return_value
    (error,) = result.errors
    assert error.exception_class is exception
    assert error.traceback.startswith("Traceback (most recent call last):\n")
    assert error.traceback.endswith(said)
    assert_in_order(result)


def test_a_task_that_takes_it_is_given_its_context(settle: Settle) -> None:
    result = settle(work.who.enqueue("word"))

    assert result.return_value == [result.id, 1, [activities.WORKER_ID], "word"]


def test_signals_tell_the_life_of_a_task(settle: Settle) -> None:
    told: list[Any] = []

    def receiver(signal: Signal, sender: type, task_result: Result, **_: Any) -> None:
        told.append((signal, sender, task_result.id, task_result.status))

    for signal in (task_enqueued, task_started, task_finished):
        signal.connect(receiver, weak=False)
    try:
        done, failed = settle(work.add.enqueue(1, 2)), settle(work.fail.enqueue("no"))
    finally:
        for signal in (task_enqueued, task_started, task_finished):
            signal.disconnect(receiver)

    assert told == [
        (signal, TemporalBackend, result.id, status)
        for result in (done, failed)
        for signal, status in (
            (task_enqueued, TaskResultStatus.READY),
            (task_started, TaskResultStatus.RUNNING),
            (task_finished, result.status),
        )
    ]


@pytest.mark.usefixtures("_nothing_waits_for_ever")
def test_a_task_is_ready_then_running_then_finished(temporal: Temporal, settings: Settings) -> None:
    settings.TEMPORAL_TASK_QUEUE = f"nobody-{uuid4()}"
    waiting = work.wait.enqueue()
    settings.TEMPORAL_TASK_QUEUE = temporal.task_queue
    running = work.wait.enqueue()
    assert relay.deliver_due() == 2
    assert work.begun.wait(PATIENCE)

    waiting.refresh()
    running.refresh()

    assert (waiting.status, waiting.started_at, waiting.worker_ids) == (TaskResultStatus.READY, None, [])
    assert (running.status, running.worker_ids) == (TaskResultStatus.RUNNING, [activities.WORKER_ID])
    assert running.started_at is not None
    assert running.finished_at is None
    work.may_go_on.set()
    temporal.run(end_of(temporal.client, running.id))
    running.refresh()
    assert running.return_value == "gone on"


def test_a_task_is_not_run_before_its_time(settle: Settle) -> None:
    later = timezone.now() + timedelta(seconds=1)

    result = settle(work.add.using(run_after=later).enqueue(1, 2))

    assert result.return_value == 3
    assert result.started_at >= later
    assert result.task.run_after == later


def test_a_task_whose_time_has_passed_runs_at_once(settle: Settle) -> None:
    result = settle(work.add.using(run_after=timezone.now() - timedelta(days=1)).enqueue(1, 2))

    assert result.return_value == 3


@pytest.mark.parametrize(("priority", "key"), [(-100, 5), (-50, 4), (-25, 3), (0, 3), (25, 3), (26, 2), (74, 2), (100, 1)])
def test_a_priority_is_temporals(temporal: Temporal, priority: int, key: int) -> None:
    result = work.add.using(priority=priority).enqueue(1, 2)
    relay.deliver_due()

    async def described() -> int | None:
        try:
            return (await temporal.client.get_activity_handle(result.id).describe()).priority.priority_key
        except RPCError:
            found = await temporal.client.get_workflow_handle(result.id).describe()
            return found.raw_description.workflow_execution_info.priority.priority_key

    assert temporal.run(described()) == key


def test_a_task_may_be_tried_again_as_the_options_say(settle: Settle, settings: Settings) -> None:
    work.set_options(settings, max_attempts=2)

    result = settle(work.fail_before_attempt.enqueue(2))

    assert (result.return_value, result.attempts) == (2, 2)
    assert result.worker_ids == ["unknown", activities.WORKER_ID]


def test_after_the_last_attempt_a_task_has_failed(settle: Settle, settings: Settings) -> None:
    work.set_options(settings, max_attempts=2)

    result = settle(work.fail_before_attempt.enqueue(3))

    assert (result.status, result.attempts) == (TaskResultStatus.FAILED, 2)
    assert result.errors[0].traceback.endswith("ValueError: at attempt 2\n")


def test_a_task_that_is_sent_twice_runs_once(settle: Settle) -> None:
    work.runs.clear()
    result = settle(work.note.enqueue("once"))
    OutboxMessage.objects.update(status="pending", leased_until=None)

    settle(result)

    assert work.runs == ["once"]
    assert result.return_value == 0


def test_what_went_as_a_workflow_is_found_by_other_processes(settle: Settle, monkeypatch: pytest.MonkeyPatch) -> None:
    result = settle(work.add.using(run_after=timezone.now()).enqueue(1, 2))
    OutboxMessage.objects.update(payload=OutboxMessage.objects.get().payload | {"run_after": None})
    monkeypatch.setattr(runs, "_without_standalone", set())

    assert work.add.get_result(result.id).return_value == 3


def test_a_result_that_nobody_knows_does_not_exist(temporal: Temporal) -> None:
    with pytest.raises(TaskResultDoesNotExist):
        default_task_backend.get_result("task-unknown")
    with pytest.raises(TaskResultDoesNotExist):
        async_to_sync(work.add.aget_result)("task-unknown")
    result = work.add.enqueue(1, 2)
    OutboxMessage.objects.update(status="sent")
    with pytest.raises(TaskResultDoesNotExist):
        result.refresh()
