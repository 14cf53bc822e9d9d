"""What an activity says of itself while it runs is with its task: lines as people read them, how far it is, its tries."""

import logging
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog
from temporalio import activity

from apps.development.testing import PATIENCE, Temporal
from apps.executions import buffer, interceptors, progress
from apps.executions.models import Execution, TaskExecution
from apps.executions.progress import RunningTask, report_progress
from apps.executions.shared import TaskRecord
from apps.executions.tests.counting import CountingWorkflow
from apps.temporal import registry
from tests.installation import wait_until

NOW = datetime.now(UTC)


@activity.defn
def count() -> list[Any]:
    """Gives up at four of ten, and goes on from there."""
    activity.logger.warning("counting", extra={"to": 10})
    if activity.info().attempt == 1:
        for number in range(1, 5):
            report_progress(number, 10, f"at {number}")
        raise ValueError("lost count")
    report_progress(10, 10, "there")
    return list(activity.info().heartbeat_details)


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    workflows = registry.workflows() | {"CountingWorkflow": CountingWorkflow}
    activities = registry.activities() | {"count": count}
    monkeypatch.setattr(registry, "workflows", lambda: workflows)
    monkeypatch.setattr(registry, "activities", lambda: activities)


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """The lines of a task that runs here."""
    record = TaskRecord(
        workflow_id="w", workflow="w", run_id="r", activity_id="1", name="n", number=1, status="running",
        scheduled_at=NOW, started_at=NOW,
    )  # fmt: skip
    token = progress.current.set(RunningTask(record))
    interceptors.keep_lines()
    yield record.log
    progress.current.reset(token)


def said(lines: list[str]) -> list[str]:
    """Without their moments."""
    return [line.partition(" ")[2] for line in lines]


@pytest.mark.django_db
def test_an_activity_that_fails_once_leaves_its_lines_its_progress_and_both_tries(
    temporal: Temporal, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, seen = interceptors._begun, threading.Event()

    def begun_when_the_first_was_seen(args: Sequence[Any]) -> RunningTask:
        assert activity.info().attempt == 1 or seen.wait(PATIENCE)
        return begun(args)

    monkeypatch.setattr(interceptors, "_begun", begun_when_the_first_was_seen)
    monkeypatch.setattr(progress, "THROTTLE", 3600)
    handle = temporal.start("CountingWorkflow", None)

    def task() -> TaskExecution | None:
        buffer.flush()
        return TaskExecution.objects.filter(execution__temporal_workflow_id=handle.id).first()

    wait_until(lambda: (found := task()) is not None and found.status == "waiting", seconds=PATIENCE)
    waits = TaskExecution.objects.get(execution__temporal_workflow_id=handle.id)
    seen.set()
    result = temporal.run(handle.result())

    # Of four reports at once the first is stored. Temporal has the last.
    assert (waits.progress_done, waits.progress_total, waits.progress_message) == (1, 10, "at 1")
    assert (waits.error, waits.tries, said(waits.log)) == ("ValueError: lost count", [], ["warning counting to=10"])
    assert result == [4, 10, "at 4"]
    execution = Execution.objects.get(temporal_workflow_id=handle.id)
    ended = execution.tasks.get()
    assert (execution.status, ended.status, ended.error, ended.output) == ("completed", "success", "", [4, 10, "at 4"])
    assert (ended.progress_done, ended.progress_total, ended.progress_message) == (10, 10, "there")
    assert [earlier["error"] for earlier in ended.tries] == ["ValueError: lost count"]
    assert said(ended.log) == ["warning counting to=10", "warning counting to=10"]


def test_a_line_of_structlog_is_its_event_and_its_fields(lines: list[str]) -> None:
    with structlog.contextvars.bound_contextvars(workflow_id="w", attempt=1):
        structlog.get_logger("mine").warning("late", minutes=3)

    assert said(lines) == ["warning late minutes=3"]


@pytest.mark.parametrize("logger", [logging.getLogger("mine"), structlog.get_logger("mine")], ids=["logging", "structlog"])
def test_a_logged_error_keeps_the_end_of_its_traceback(lines: list[str], logger: Any) -> None:
    try:
        raise ValueError(5000 * "x" + " in the end")
    except ValueError:
        logger.exception("gone wrong")

    (line,) = said(lines)
    assert line.startswith("error gone wrong\n")
    assert line.endswith("x in the end")
    assert len(line) < 3_100


def test_a_line_that_no_database_takes_is_kept_without_what_it_does_not_take(lines: list[str]) -> None:
    logging.getLogger("mine").warning("a\x00b")

    assert said(lines) == ["warning a\N{REPLACEMENT CHARACTER}b"]
