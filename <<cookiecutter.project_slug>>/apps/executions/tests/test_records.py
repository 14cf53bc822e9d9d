"""What workers say in any order becomes the same rows, each execution's its own, and all of it can be stored."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.executions import dashboard, projection
from apps.executions.buffer import Buffer
from apps.executions.models import Execution, TaskExecution
from apps.executions.shared import End, Report, TaskRecord, said, short
from apps.executions.tests.rows import execution
from apps.executions.tests.test_buffer import _Never

pytestmark = pytest.mark.django_db
NOW, MINUTE = timezone.now().replace(microsecond=0), timedelta(minutes=1)
UNSTORABLE = ["a\x00b", "half \ud83d", {"\x00": ["\udc00"]}, float("nan"), {"deep": [float("inf")]}, 10**5000, b"\xff"]


def told(row: Execution, number: int = 1, status: str = "success", *, activity_id: str = "1", **more: Any) -> TaskRecord:
    """A record of the try that began so many minutes after NOW."""
    facts: dict[str, Any] = {"run_id": row.temporal_run_id, "name": "step", "log": [f"line of {number}"], **more}
    if status != "running":
        facts.setdefault("completed_at", NOW + (number + 0.5) * MINUTE)
    return TaskRecord(
        workflow_id=row.temporal_workflow_id, workflow=row.workflow, activity_id=activity_id, number=number, status=status,
        scheduled_at=NOW, started_at=NOW + number * MINUTE, **facts,
    )  # fmt: skip


def ended(row: Execution, **report: Any) -> End:
    said = Report(**{"status": "completed", **report})
    return End(workflow_id=row.temporal_workflow_id, workflow=row.workflow, run_id=row.temporal_run_id, report=said)


def kept(row: Execution) -> tuple[str, str, list[str], list[str]]:
    """Of its only task."""
    task = row.tasks.get()
    return task.status, task.error, task.log, [earlier["error"] for earlier in task.tries]


@pytest.mark.parametrize("value", UNSTORABLE, ids=["NUL", "half", "within", "NaN", "no end", "digits", "bytes"])
def test_a_result_that_no_database_takes_is_shown_without_what_it_does_not_take(value: Any) -> None:
    row = execution()

    projection.record([told(row, output=short(value))], [ended(row, result=short(value))])

    row.refresh_from_db()
    assert (row.status, row.tasks.get().status) == ("completed", "success")
    assert row.result == row.tasks.get().output == short(value)


def test_an_error_that_no_database_takes_is_told_without_what_it_does_not_take() -> None:
    row, error = execution(), said(ValueError("a\x00b \udc00"))

    projection.record([told(row, status="failed", error=error)], [ended(row, status="failed", error=error)])

    row.refresh_from_db()
    assert row.error_message == row.tasks.get().error == "ValueError: a\N{REPLACEMENT CHARACTER}b \N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("number_of_flushes", [1, 2])
def test_each_try_is_kept_however_many_are_told_at_once(number_of_flushes: int) -> None:
    row, buffer = execution(), Buffer()
    buffer.executor = _Never()
    for record in (told(row, 1, "waiting", error="busy"), told(row, 2, "running"), told(row, 2)):
        buffer.put(record)
        if number_of_flushes == 2 and record.number == 1:
            buffer.flush()
    buffer.flush()

    assert kept(row) == ("success", "", ["line of 1", "line of 2"], ["busy"])


def test_what_an_earlier_try_says_late_does_not_undo_a_later_one() -> None:
    """Of two workers the one that gave up has stored its record last."""
    row = execution()
    projection.record([told(row, 2)])

    projection.record([told(row, 1, "waiting", error="busy")])

    assert kept(row) == ("success", "", ["line of 1", "line of 2"], ["busy"])


def test_a_try_that_was_given_up_ends_after_the_execution_and_changes_nothing() -> None:
    row = execution()
    projection.record([told(row, 1, "running")])
    projection.record([told(row, 2)], [ended(row)])
    before = TaskExecution.objects.values().get(execution=row)

    projection.record([told(row, 1, "failed", error="late", completed_at=NOW + 9 * MINUTE)])

    assert TaskExecution.objects.values().get(execution=row) == before
    assert kept(row)[0] == "success"


def test_a_planned_task_is_that_of_every_try() -> None:
    row = execution(has_plan=True)
    TaskExecution.objects.create(execution=row, name="step", position=1, activity_id="planned-1")

    projection.record([told(row, 1, "waiting", error="busy"), told(row, 2)])

    assert kept(row) == ("success", "", ["line of 1", "line of 2"], ["busy"])


def test_what_is_carried_over_is_not_lost_to_another_execution_nor_to_the_run_that_was_reset() -> None:
    """The SDK counts the activities of each run from 1."""
    carries, does_again = (execution() for _ in range(2))
    for row in (carries, does_again):
        projection.record([told(row), told(row, activity_id="2", name="other")], [ended(row, status="failed", error="x")])
        row.refresh_from_db()
        projection.begin_attempt(row, reason="", keep_done=True)
    late = told(carries, status="failed", error="late")
    does_again.temporal_run_id = "new"

    projection.record([late, told(does_again)])

    def carried(row: Execution) -> list[str]:
        return list(row.tasks.filter(attempt=2, carried=True).values_list("activity_id", flat=True))

    assert (carried(carries), carried(does_again)) == (["1", "2"], ["2"])


def test_one_without_activities_has_started_before_it_ends() -> None:
    row = execution("pending")
    row.temporal_run_id = "run"

    projection.record([], [ended(row, started_at=NOW)])

    row.refresh_from_db()
    assert (row.status, row.started_at) == ("completed", NOW)
    assert list(row.events.values_list("action", "before", "after")) == [
        ("started", "pending", "running"),
        ("completed", "running", "completed"),
    ]


def test_an_attempt_takes_its_own_time() -> None:
    row = execution("failed", started_at=NOW - timedelta(days=3), completed_at=NOW - timedelta(days=2))
    projection.begin_attempt(row, reason="", keep_done=False)
    row.refresh_from_db()
    row.temporal_run_id = "new"

    projection.record([], [ended(row)])

    (figures,) = dashboard.figures(Execution.objects.all(), dashboard.last_days()).workflows
    assert figures.p50 is not None
    assert figures.p50 < 3600
