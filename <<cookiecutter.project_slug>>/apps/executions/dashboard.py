"""Figures of executions over some days. Each is one query over whole sets, whatever their number.

Shown by dashboard_views.py, written into summaries by apps.reports.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Case, Count, F, FloatField, Func, IntegerField, Min, Q, QuerySet, Value, When, Window
from django.db.models.functions import RowNumber
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString

from apps.executions import catalog, charts
from apps.executions.charts import Series, Span
from apps.executions.models import Execution, ExecutionQuerySet
from apps.temporal.models import OutboxMessage

Status = Execution.Status
DAYS = 14
OLDEST = 5
# What a picture tells apart, and in which tone: people read four colours, not eight.
TONES: Mapping[str, str] = {"completed": "good", "failed": "bad", "canceled": "quiet", "unfinished": "busy"}
GROUPS: Mapping[str, str] = {
    Status.COMPLETED: "completed",
    Status.FAILED: "failed",
    Status.TIMED_OUT: "failed",
    Status.CANCELED: "canceled",
    Status.TERMINATED: "canceled",
    Status.PENDING: "unfinished",
    Status.RUNNING: "unfinished",
    Status.PAUSED: "unfinished",
}


@dataclass
class Counts:
    """How many executions are of which group."""

    completed: int = 0
    failed: int = 0
    canceled: int = 0
    unfinished: int = 0

    def add(self, group: str, number: int) -> None:
        """Count some more."""
        setattr(self, group, getattr(self, group) + number)

    @property
    def total(self) -> int:
        """All of them."""
        return self.completed + self.failed + self.canceled + self.unfinished

    @property
    def failure_rate(self) -> str:
        """Of those that completed or failed, how many failed, as people read it."""
        decided = self.completed + self.failed
        return f"{100 * self.failed / decided:.1f} %" if decided else charts.UNKNOWN


@dataclass(frozen=True)
class WorkflowFigures:
    """A workflow's executions. `p50` and `p95` are seconds from start to completion."""

    title: str
    counts: Counts
    p50: float | None
    p95: float | None

    @property
    def usual(self) -> str:
        """p50 as people read it."""
        return charts.duration(self.p50)

    @property
    def slow(self) -> str:
        """p95 as people read it."""
        return charts.duration(self.p95)


@dataclass(frozen=True)
class Figures:
    """The executions that were created on some days: all, by the day and by the workflow."""

    counts: Counts
    days: Mapping[date, Counts]
    workflows: Sequence[WorkflowFigures]

    @property
    def per_day(self) -> SafeString:
        """A bar for each day."""
        series = [Series(group, tone, [getattr(each, group) for each in self.days.values()]) for group, tone in TONES.items()]
        return charts.bars("per-day", "Executions by the day", [date_format(day, "j M") for day in self.days], series)

    @property
    def durations(self) -> SafeString:
        """From p50 to p95 of each workflow that has any; empty when none has."""
        known = [Span(each.title, each.p50, each.p95) for each in self.workflows if each.p50 is not None and each.p95 is not None]
        return charts.spans("durations", "Durations by workflow", known) if known else SafeString()


@dataclass(frozen=True)
class Backlog:
    """What waits to be told to Temporal, since when, and what Temporal did not take."""

    waiting: int
    oldest: datetime | None
    dead: int


class _Epoch(Func):
    """A moment as seconds. Django's own difference of moments is a Python function on SQLite, called for each row."""

    output_field = FloatField()

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        """From the column as it is."""
        return self.as_sql(compiler, connection, template="EXTRACT(EPOCH FROM %(expressions)s)::double precision")

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        """From days, which SQLite knows to a fraction of a millisecond."""
        return self.as_sql(compiler, connection, template="(julianday(%(expressions)s) * 86400)", **extra)


def last_days(number: int = DAYS) -> list[date]:
    """Today and the days before it, in their order."""
    today = timezone.localdate()
    return [today - timedelta(days=back) for back in reversed(range(number))]


def figures(executions: QuerySet[Execution], days: Sequence[date]) -> Figures:
    """Of those executions the ones that were created on these days, which follow each other."""
    created = executions.filter(created_at__gte=_start(days[0]), created_at__lt=_start(days[-1] + timedelta(days=1))).order_by()
    place = Case(*(When(created_at__gte=_start(days[place]), then=Value(place)) for place in reversed(range(len(days)))))
    counted = created.annotate(place=place).values_list("place", "workflow", "status").annotate(number=Count("pk"))
    everything, by_day, by_workflow = Counts(), {day: Counts() for day in days}, dict[str, Counts]()
    for place, workflow, status, number in counted:
        for counts in (everything, by_day[days[place]], by_workflow.setdefault(workflow, Counts())):
            counts.add(GROUPS[status], number)
    took = _durations(created)
    return Figures(
        counts=everything,
        days=by_day,
        workflows=[
            WorkflowFigures(catalog.title(workflow), counts, *took.get(workflow, (None, None)))
            for workflow, counts in sorted(by_workflow.items())
        ],
    )


def oldest_waiting(executions: ExecutionQuerySet) -> list[Execution]:
    """Those that have waited longest: to be started, or for what a person has to do."""
    waiting = executions.filter(status__in=[Status.PENDING, Status.PAUSED])
    return list(waiting.listed().order_by("created_at", "id")[:OLDEST])


def backlog() -> Backlog:
    """What the outbox holds."""
    pending, dead = Q(status=OutboxMessage.Status.PENDING), Q(status=OutboxMessage.Status.DEAD)
    held = OutboxMessage.objects.filter(pending | dead).aggregate(
        waiting=Count("pk", filter=pending), oldest=Min("created_at", filter=pending), dead=Count("pk", filter=dead)
    )
    return Backlog(**held)


def _durations(executions: QuerySet[Execution]) -> dict[str, tuple[float, float]]:
    """Of each workflow the seconds that half of its completed executions do not exceed, and those that 95 % do not."""
    timed = executions.filter(status=Status.COMPLETED, started_at__isnull=False, completed_at__isnull=False)
    ranked = timed.annotate(seconds=_Epoch("completed_at") - _Epoch("started_at")).annotate(
        rank=Window(RowNumber(), partition_by="workflow", order_by="seconds"),
        among=Window(Count("pk"), partition_by="workflow"),
    )
    wanted = ranked.filter(_is_percentile(50) | _is_percentile(95)).order_by("workflow", "seconds")
    found: dict[str, list[float]] = {}
    for workflow, seconds in wanted.values_list("workflow", "seconds"):
        found.setdefault(workflow, []).append(seconds)
    return {workflow: (ends[0], ends[-1]) for workflow, ends in found.items()}


def _is_percentile(percent: int) -> Q:
    """The first rank that so many percent of the ranks do not come after, in whole numbers."""
    return Q(rank=(F("among") * Value(percent, IntegerField()) + Value(99, IntegerField())) / Value(100, IntegerField()))


def _start(day: date) -> datetime:
    return datetime.combine(day, time.min, timezone.get_current_timezone())
