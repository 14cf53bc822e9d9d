"""The tasks of an execution, to scale: when each of them waited, ran and failed. Drawn by templates/executions/_detail.html."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final

from django.core.paginator import Page, Paginator
from django.db.models import F
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps.executions.charts import duration
from apps.executions.models import Execution, TaskExecution

TASKS_A_PAGE: Final = 50
# Tasks at work that are shown above the pages, when they may stand on another page.
AT_WORK_SHOWN: Final = 5
# Units of the drawing, whatever its size on the screen, and how many are needed to be seen.
WIDTH: Final = 1000
NARROWEST: Final = 4
STEPS: Final = 4
Status = TaskExecution.Status
TONES: Final = {Status.SUCCESS: "good", Status.FAILED: "bad", Status.RUNNING: "busy", Status.WAITING: "bad"}


@dataclass(frozen=True)
class Try:
    """One run of a task. `ends` is now while it runs."""

    tone: str
    begins: datetime
    ends: datetime
    error: str

    @property
    def words(self) -> str:
        """How it went, and how long it took."""
        said = {"bad": "failed after", "busy": "runs since", "quiet": "stopped after"}.get(self.tone, "ran")
        return f"{said} {_between(self.begins, self.ends)}"


@dataclass(frozen=True)
class Stretch:
    """Something that took time. `tone` is a class of the style sheet, `words` say the same."""

    tone: str
    begins: datetime
    ends: datetime
    words: str


@dataclass(frozen=True)
class Bar:
    """A stretch as it is drawn. Texts, since a number would be written in the reader's own way."""

    tone: str
    x: str
    width: str
    words: str


@dataclass(frozen=True)
class Line:
    """A task with its bars, the earliest first."""

    task: TaskExecution
    bars: Sequence[Bar]

    @property
    def tone(self) -> str:
        """Of the task as it stands."""
        return tone(self.task)

    @property
    def words(self) -> str:
        """What the bars say."""
        return ", ".join(bar.words for bar in self.bars)


@dataclass(frozen=True)
class Attempt:
    """The tasks of one attempt that stand on this page, on one scale. `marks` are the times since `begins`."""

    number: int
    begins: datetime | None
    marks: Sequence[str]
    lines: Sequence[Line]


@dataclass(frozen=True)
class Timeline:
    """One page of tasks, the newest attempt first, and those at work where the page may not have them."""

    attempts: Sequence[Attempt]
    page: Page[TaskExecution]
    at_work: Sequence[TaskExecution]


def of(execution: Execution, number: int = 1) -> Timeline:
    """The page of that number, or the nearest."""
    tasks = execution.tasks.defer("output", "log")
    ordered = tasks.order_by("-attempt", F("scheduled_at").asc(nulls_last=True), "position", "pk")
    page = Paginator(ordered, TASKS_A_PAGE).get_page(number)
    rows = list(page.object_list)
    at_work = tasks.filter(status__in=(Status.RUNNING, Status.WAITING)).order_by("pk")[:AT_WORK_SHOWN]
    now = timezone.now()
    return Timeline(
        attempts=[_attempt(attempt, list(found), now) for attempt, found in groupby(rows, key=lambda task: task.attempt)],
        page=page,
        at_work=list(at_work) if page.paginator.num_pages > 1 and execution.is_open else [],
    )


def tone(task: TaskExecution) -> str:
    """The class of the style sheet for where a task stands."""
    return TONES.get(Status(task.status), "quiet")


def tries(task: TaskExecution, now: datetime) -> Iterator[Try]:
    """Its runs, the earliest first."""
    for earlier in task.tries:
        begins, ends = parse_datetime(str(earlier["started_at"])), parse_datetime(str(earlier["completed_at"]))
        if begins and ends:
            yield Try("bad", begins, ends, str(earlier["error"]))
    if task.started_at:
        yield Try(tone(task), task.started_at, task.completed_at or now, task.error)


def _attempt(number: int, tasks: Sequence[TaskExecution], now: datetime) -> Attempt:
    stretches = {task.pk: list(_stretches(task, now)) for task in tasks}
    every = [stretch for found in stretches.values() for stretch in found]
    if not every:
        return Attempt(number, None, (), [Line(task, ()) for task in tasks])
    begins, ends = min(each.begins for each in every), max(each.ends for each in every)
    seconds = max((ends - begins).total_seconds(), 0.001)
    return Attempt(
        number=number,
        begins=begins,
        marks=["0", *(duration(seconds * step / STEPS) for step in range(1, STEPS + 1))],
        lines=[Line(task, list(_drawn(stretches[task.pk], begins, seconds))) for task in tasks],
    )


def _stretches(task: TaskExecution, now: datetime) -> Iterator[Stretch]:
    """When a task waited and ran. What was carried over took its time in another attempt."""
    if task.carried or task.scheduled_at is None:
        return
    free = task.scheduled_at
    for each in tries(task, now):
        if each.begins > free:
            yield Stretch("waiting", free, each.begins, f"waited {_between(free, each.begins)}")
        yield Stretch(each.tone, each.begins, each.ends, each.words)
        free = each.ends
    if task.status in {Status.PENDING, Status.WAITING} and now > free:
        yield Stretch("waiting", free, now, f"waits since {_between(free, now)}")


def _drawn(stretches: Iterable[Stretch], begins: datetime, seconds: float) -> Iterator[Bar]:
    for each in stretches:
        width = max(NARROWEST, WIDTH * (each.ends - each.begins).total_seconds() / seconds)
        x = min(WIDTH * (each.begins - begins).total_seconds() / seconds, WIDTH - width)
        yield Bar(each.tone, f"{max(x, 0):.1f}", f"{width:.1f}", each.words)


def _between(begins: datetime, ends: datetime) -> str:
    return duration((ends - begins).total_seconds())
