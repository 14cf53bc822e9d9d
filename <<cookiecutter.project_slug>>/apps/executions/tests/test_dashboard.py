"""The figures of the dashboard are right, and each is one query."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.executions import dashboard
from apps.executions.dashboard import Counts
from apps.executions.models import Execution
from apps.temporal.models import OutboxMessage

pytestmark = pytest.mark.django_db
# No test has another day at its end than at its beginning.
DAYS = dashboard.last_days()
NOW = datetime.combine(DAYS[-1], time(12), UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


def execution(number: int, **facts: Any) -> Execution:
    facts = {"workflow": "user_onboarding", "status": "completed", "created_at": NOW, **facts}
    return Execution.objects.create(temporal_workflow_id=f"test-{number}", **facts)


def took(number: int, seconds: float, **facts: Any) -> Execution:
    return execution(number, started_at=NOW, completed_at=NOW + seconds * SECOND, **facts)


def test_executions_are_counted_by_the_day_and_by_what_became_of_them() -> None:
    statuses = ["completed", "completed", "failed", "timed_out", "canceled", "terminated", "pending", "running", "paused"]
    for number, status in enumerate(statuses):
        execution(number, status=status)
    execution(100, created_at=NOW - 3 * DAY)
    execution(101, created_at=NOW - 20 * DAY)
    execution(102, created_at=NOW + DAY)

    figures = dashboard.figures(Execution.objects.all(), DAYS)

    today, before = NOW.date(), (NOW - 3 * DAY).date()
    assert list(figures.days) == sorted(figures.days)
    assert (len(figures.days), list(figures.days)[-1]) == (14, today)
    assert figures.days[today] == Counts(completed=2, failed=2, canceled=2, unfinished=3)
    assert figures.days[before] == Counts(completed=1)
    assert figures.counts == Counts(completed=3, failed=2, canceled=2, unfinished=3)
    assert (figures.counts.total, figures.counts.failure_rate) == (10, "40.0 %")


def test_a_workflow_s_durations_are_those_that_half_and_95_percent_do_not_exceed() -> None:
    for number in range(1, 101):
        took(number, number)
    took(101, 0.25, workflow="batch_processing")
    took(102, 10**6, status="failed")
    execution(103, workflow="lost", status="failed")

    batch, lost, onboarding = dashboard.figures(Execution.objects.all(), DAYS).workflows

    assert (onboarding.title, onboarding.counts.total) == ("User onboarding", 101)
    assert [onboarding.p50, onboarding.p95] == pytest.approx([50, 95], abs=0.01)
    assert [batch.p50, batch.p95] == pytest.approx([0.25, 0.25], abs=0.01)
    assert (lost.p50, lost.usual, lost.counts.failure_rate) == (None, "–", "100.0 %")


@pytest.mark.parametrize(("number", "p50", "p95"), [(1, 1, 1), (2, 1, 2), (3, 2, 3), (20, 10, 19), (21, 11, 20)])
def test_the_percentiles_of_a_few_are_values_that_occurred(number: int, p50: int, p95: int) -> None:
    for seconds in range(1, number + 1):
        took(seconds, seconds)

    (figures,) = dashboard.figures(Execution.objects.all(), DAYS).workflows

    assert [figures.p50, figures.p95] == pytest.approx([p50, p95], abs=0.01)


def test_what_has_waited_longest_comes_first() -> None:
    for number in range(7):
        execution(number, status="paused" if number % 2 else "pending", created_at=NOW - number * DAY)
    execution(10, status="running", created_at=NOW - 9 * DAY)

    oldest = dashboard.oldest_waiting(Execution.objects.all())

    assert [each.temporal_workflow_id for each in oldest] == ["test-6", "test-5", "test-4", "test-3", "test-2"]


def test_the_backlog_is_what_temporal_was_not_told_yet() -> None:
    empty = dashboard.backlog()
    for number, status in enumerate(["pending", "pending", "sent", "dead", "canceled"]):
        OutboxMessage.objects.create(kind="start", aggregate_id=str(number), dedupe_key=str(number), payload={}, status=status)
    OutboxMessage.objects.filter(aggregate_id="1").update(created_at=NOW - DAY)
    OutboxMessage.objects.filter(status="dead").update(created_at=NOW - 2 * DAY)

    held = dashboard.backlog()

    assert (empty.waiting, empty.oldest, empty.dead) == (0, None, 0)
    assert (held.waiting, held.oldest, held.dead) == (2, NOW - DAY, 1)


def test_figures_are_a_query_each_however_many_executions_there_are() -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as caught:
            dashboard.figures(Execution.objects.all(), DAYS)
            dashboard.oldest_waiting(Execution.objects.all())
            dashboard.backlog()
        return len(caught)

    before = queries()
    for number in range(50):
        took(number, number, workflow=f"workflow_{number % 7}")

    assert (before, queries()) == (4, 4)
