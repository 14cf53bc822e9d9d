"""Tasks to scale: where a bar begins and how long it is."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from apps.executions import timeline
from apps.executions.models import Execution, TaskExecution
from apps.executions.tests.rows import execution

pytestmark = pytest.mark.django_db

START = datetime(2026, 2, 1, 10, tzinfo=UTC)


def at(seconds: float | None) -> datetime | None:
    return None if seconds is None else START + timedelta(seconds=seconds)


def add(row: Execution, *moments: float | None, **fields: Any) -> TaskExecution:
    """A task that was scheduled, started and completed so many seconds after START."""
    scheduled, started, completed = (at(moment) for moment in moments)
    facts = {"status": "success", "activity_id": str(uuid4()), "run_id": "r", "name": "step"}
    times = {"scheduled_at": scheduled, "started_at": started, "completed_at": completed}
    return TaskExecution.objects.create(execution=row, **(facts | times | fields))


def bars(row: Execution) -> list[list[tuple[str, str, str]]]:
    return [
        [(bar.tone, bar.x, bar.width) for bar in line.bars] for attempt in timeline.of(row).attempts for line in attempt.lines
    ]


def test_bars_are_as_long_as_what_they_tell_of() -> None:
    row = execution()
    add(row, 0, 2, 5)
    add(row, 5, 5, 10, status="failed")

    assert bars(row) == [[("waiting", "0.0", "200.0"), ("good", "200.0", "300.0")], [("bad", "500.0", "500.0")]]
    assert timeline.of(row).attempts[0].marks == ["0", "2.5 s", "5.0 s", "7.5 s", "10.0 s"]
    assert timeline.of(row).attempts[0].lines[0].words == "waited 2.0 s, ran 3.0 s"


def test_earlier_tries_stand_before_the_last_with_the_waits_between() -> None:
    row = execution()
    tries = [{"started_at": at(1).isoformat(), "completed_at": at(2).isoformat(), "error": "OSError"}]  # type: ignore[union-attr]  # moments
    add(row, 0, 6, 10, tries=tries)

    (line,) = bars(row)

    assert [tone for tone, _, _ in line] == ["waiting", "bad", "waiting", "good"]
    assert [x for _, x, _ in line] == ["0.0", "100.0", "200.0", "600.0"]


def test_what_takes_no_time_can_still_be_seen_and_nothing_stands_outside() -> None:
    row = execution()
    add(row, 0, 0, 3600)
    add(row, 3600, 3600, 3600)

    assert bars(row)[1] == [("good", "996.0", "4.0")]


def test_what_runs_or_waits_reaches_until_now() -> None:
    row = execution()
    add(row, 0, 0, None, status="running")
    add(row, 0, 0, 1, status="waiting")
    add(row, None, None, None, status="pending")

    running, waiting, planned = bars(row)

    assert running == [("busy", "0.0", "1000.0")]
    assert [tone for tone, _, _ in waiting] == ["bad", "waiting"]
    assert planned == []


def test_each_attempt_has_a_scale_of_its_own_without_what_was_done_before() -> None:
    row = execution(attempt=2)
    add(row, 0, 0, 10)
    add(row, 0, 0, 10, attempt=2, carried=True)
    add(row, 86400, 86400, 86404, attempt=2)

    second, first = timeline.of(row).attempts

    assert (second.number, second.begins, first.begins) == (2, at(86400), START)
    assert bars(row) == [[], [("good", "0.0", "1000.0")], [("good", "0.0", "1000.0")]]
