"""Which workflow starts when: declared by the schedules.py of any app, kept by the server. Changes go by outbox.py.

An id is this project's prefix and a name. Schedules with another prefix are never touched.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Literal, get_args
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.conf import settings
from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import TypeAdapter
from temporalio import client as sdk
from temporalio.api.common.v1 import Payload
from temporalio.api.schedule.v1 import SchedulePatch, TriggerImmediatelyRequest
from temporalio.api.workflowservice.v1 import PatchScheduleRequest
from temporalio.common import Priority
from temporalio.service import RPCError, RPCStatusCode

from apps.temporal import client, outbox, queues, registry
from apps.temporal.conf import MEMO
from apps.temporal.models import OutboxMessage

Overlap = Literal["skip", "buffer_one", "buffer_all", "cancel_other", "terminate_other", "allow_all"]
Change = Literal["pause", "resume", "trigger", "delete"]
NAME = re.compile(r"[A-Za-z0-9._-]{1,200}")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
# The fields of a cron expression: least and greatest value, and what the values are called.
FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day_of_month", 1, 31, ()),
    ("month", 1, 12, MONTHS),
    ("day_of_week", 0, 6, DAYS),
)
PART = re.compile(r"(?:\*|(\d+)(?:-(\d+))?)(?:/([1-9]\d*))?", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class WorkflowSchedule:
    """When to start which workflow, by its registered name: at the times of `cron` (five fields each), and `every` so often.

    `jitter` puts each start off by a random time up to it. `overlap` says what happens while the execution before still runs,
    `catch_up` how late a start may be when the server was away. `paused` is how it begins: afterwards people decide.
    """

    name: str
    workflow: str
    argument: Any = None
    cron: tuple[str, ...] = ()
    every: timedelta | None = None
    time_zone: str = "UTC"
    jitter: timedelta = timedelta()
    overlap: Overlap = "skip"
    catch_up: timedelta = timedelta(days=365)
    paused: bool = False
    tenant: str = ""
    task_queue: str = ""

    def problems(self) -> Iterator[str]:
        """What is wrong with it, in sentences."""
        for right, sentence in (
            (NAME.fullmatch(self.name), "The name must be 1 to 200 letters, digits, dots, hyphens or underscores."),
            (self.workflow in registry.workflows(), f"There is no workflow {self.workflow!r}."),
            (self.overlap in get_args(Overlap), f"There is no overlap {self.overlap!r}: choose {', '.join(get_args(Overlap))}."),
            (self.cron or self.every, "It has no times: give it cron or every."),
            (self.every is None or self.every >= timedelta(seconds=1), "every must be a second or more."),
            (self.catch_up >= timedelta(seconds=10), "catch_up must be 10 seconds or more."),
        ):
            if not right:
                yield sentence
        for check, text in ((ZoneInfo, self.time_zone), *((calendar, cron) for cron in self.cron)):
            try:
                check(text)
            except (ValueError, KeyError, OSError) as error:
                yield str(error.args[-1])


@dataclass(frozen=True)
class ScheduleState:
    """What the server says of a schedule. `last_runs` are workflow ids; the newest comes first."""

    name: str
    workflow: str
    paused: bool
    note: str
    next_runs: list[datetime]
    last_runs: list[str]


def calendar(cron: str) -> sdk.ScheduleCalendarSpec:
    """What a cron expression means. Not left to the server: it answers with calendars, which could not be compared with texts.

    Raises ValueError with a sentence when it means nothing.
    """
    texts, calendar = cron.upper().split(), sdk.ScheduleCalendarSpec()
    if len(texts) != len(FIELDS):
        raise ValueError(f"{cron!r} is no cron expression: write minute, hour, day of month, month and day of week.")
    for text, (field, least, greatest, names) in zip(texts, FIELDS, strict=True):
        ranges = []
        for part in text.split(","):
            words = (str(least + names.index(word)) if word in names else word for word in re.split(r"\b", part))
            match = PART.fullmatch("".join(words))
            first, last, step = match.groups() if match else (-1, -1, 1)
            start, end = int(first or least), int(last or (greatest if step or not first else first))
            if not least <= start <= end <= greatest:
                raise ValueError(f"{cron!r} is no cron expression: {part!r} is no {field} from {least} to {greatest}.")
            ranges.append(sdk.ScheduleRange(start, end, int(step or 1)))
        setattr(calendar, field, ranges)
    return calendar


def prefix() -> str:
    """What the ids of this project's schedules begin with. Each TEMPORAL_TASK_QUEUE has its own."""
    return f"{settings.TEMPORAL_TASK_QUEUE.removesuffix('-tasks')}:"


def declared(*, rows: bool = True) -> dict[str, WorkflowSchedule]:
    """Every schedule by name: SCHEDULES of each schedules.py, and with `rows` those that its schedules() gives.

    Raises ValueError that says what is wrong with which.
    """
    found: dict[str, WorkflowSchedule] = {}
    wrong: list[str] = []
    for module in registry.modules("schedules"):
        for wanted in (*getattr(module, "SCHEDULES", ()), *(getattr(module, "schedules", tuple)() if rows else ())):
            twice = ["It is declared twice."] if wanted.name in found else []
            wrong += [f"Schedule {wanted.name!r} in {module.__name__}: {problem}" for problem in (*twice, *wanted.problems())]
            found[wanted.name] = wanted
    if wrong:
        raise ValueError(" ".join(wrong))
    return found


def states() -> list[ScheduleState]:
    """Every schedule of this project that the server has, by name. Raises TemporalUnavailable."""
    return sorted(client.run(_states), key=lambda state: state.name)


def sync(*, dry_run: bool = False) -> dict[str, str]:
    """Make the server match what is declared, and tell what was different, by name: "create", "delete" or "update" and what.

    Raises ValueError for a wrong declaration, before anything is changed, and TemporalUnavailable.
    """
    # The server comes first: what a row adds after that is found among the declarations, and not taken for left over.
    names, done = {state.name for state in states()}, None
    differences: dict[str, str] = {}
    # Once more when rows changed meanwhile: their own message may have arrived before what is now out of date.
    while (wanted := declared()) != done:
        names |= wanted.keys()
        for name in names:
            settle = partial(_settle, schedule_id=prefix() + name, wanted=wanted.get(name), dry_run=dry_run)
            if difference := client.run(settle):
                differences[name] = difference
        done = wanted
    return dict(sorted(differences.items()))


def enqueue_schedule(wanted: WorkflowSchedule, *, key: str, alone: bool = False) -> OutboxMessage:
    """Create or change a schedule that a row declares, once for each `key`. Raises ValueError, and as enqueue does."""
    if wrong := list(wanted.problems()):
        raise ValueError(" ".join(wrong))
    return outbox.enqueue(OutboxMessage.Kind.SCHEDULE, f"{prefix()}{wanted.name}", {"schedule": wanted}, key=key, alone=alone)


def enqueue_schedule_change(name: str, change: Change, *, note: str = "", alone: bool = False) -> OutboxMessage:
    """Pause, resume, delete or run a schedule now, once. Raises as enqueue does."""
    payload = {"change": change, "note": note or change}
    return outbox.enqueue(OutboxMessage.Kind.SCHEDULE, f"{prefix()}{name}", payload, key=str(uuid4()), alone=alone)


async def send_change(connected: sdk.Client, message: OutboxMessage) -> None:
    """Tell the server a change. Telling it twice has the effect of once. Raises RPCError."""
    change, note, wanted = (message.payload.get(name) for name in ("change", "note", "schedule"))
    handle = connected.get_schedule_handle(message.aggregate_id)
    if wanted or change == "delete":
        schedule = TypeAdapter(WorkflowSchedule).validate_python(wanted) if wanted else None
        await _settle(connected, handle.id, schedule)
        return
    if change == "trigger":
        # Not handle.trigger(), which makes up an id and a time at each call: by these the server knows a repetition.
        due = Timestamp()
        due.FromDatetime(message.created_at)
        patch = SchedulePatch(trigger_immediately=TriggerImmediatelyRequest(scheduled_time=due))
        request = PatchScheduleRequest(
            namespace=connected.namespace, schedule_id=handle.id, patch=patch, request_id=message.dedupe_key
        )
        await connected.workflow_service.patch_schedule(request, retry=True)
    else:
        await (handle.pause(note=note) if change == "pause" else handle.unpause(note=note))
    # The server accepts a change before it is made, and the next one would replace it: this answer comes after it was made.
    await handle.describe()


async def _states(connected: sdk.Client) -> list[ScheduleState]:
    found: list[ScheduleState] = []
    async for entry in await connected.list_schedules():
        name, info = entry.id.removeprefix(prefix()), entry.raw_entry.info
        if entry.id.startswith(prefix()) and NAME.fullmatch(name):
            times = [time.ToDatetime(UTC) for time in info.future_action_times]
            runs = [run.start_workflow_result.workflow_id for run in reversed(info.recent_actions)]
            found.append(ScheduleState(name, info.workflow_type.name, info.paused, info.notes, times, runs))
    return found


async def _settle(connected: sdk.Client, schedule_id: str, wanted: WorkflowSchedule | None, *, dry_run: bool = False) -> str:
    """Make one schedule as it is wanted, or gone, and tell what was different."""
    handle = connected.get_schedule_handle(schedule_id)
    new = _schedule(schedule_id, wanted) if wanted else None
    try:
        old = (await handle.describe()).schedule
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND or client.is_about_namespace(error):
            raise
        old = None
    if new is None or old is None:
        difference = "create" if new else "delete" if old else ""
    else:
        was, will = await _compared(connected, old), await _compared(connected, new)
        # Arguments may be private: the name alone says that they differ.
        values = {
            field: "" if field == "args" else f" {was[field]} -> {will[field]}" for field in was if was[field] != will[field]
        }
        difference = f"update {'; '.join(field + value for field, value in values.items())}" if values else ""
    if not difference or dry_run:
        return difference
    if new is None:
        await handle.delete()
    elif old is None:
        await connected.create_schedule(schedule_id, new)
    else:
        # Whether it is paused, and the note to it, belong to people.
        await handle.update(lambda now: sdk.ScheduleUpdate(replace(new, state=now.description.schedule.state)))
    return difference


def _schedule(schedule_id: str, wanted: WorkflowSchedule) -> sdk.Schedule:
    where = queues.route(wanted.tenant, wanted.task_queue)
    return sdk.Schedule(
        action=sdk.ScheduleActionStartWorkflow(
            wanted.workflow,
            args=[] if wanted.argument is None else [wanted.argument],
            id=schedule_id,
            task_queue=where.task_queue,
            priority=Priority(fairness_key=where.fairness_key or None),
            memo=MEMO,
        ),
        spec=sdk.ScheduleSpec(
            calendars=[calendar(cron) for cron in wanted.cron],
            intervals=[sdk.ScheduleIntervalSpec(wanted.every)] if wanted.every else [],
            jitter=wanted.jitter or None,
            time_zone_name=wanted.time_zone,
        ),
        policy=sdk.SchedulePolicy(sdk.ScheduleOverlapPolicy[wanted.overlap.upper()], wanted.catch_up),
        state=sdk.ScheduleState(paused=wanted.paused),
    )


async def _compared(connected: sdk.Client, schedule: sdk.Schedule) -> dict[str, str]:
    """What can drift, as texts that are the same for the server's copy and for ours."""
    values = vars(schedule.action) | vars(schedule.spec) | vars(schedule.policy)
    encode, decode = connected.data_converter.encode, connected.data_converter.decode
    payloads = [arg if isinstance(arg, Payload) else (await encode([arg]))[0] for arg in values["args"]]
    # With how they are encoded: a schedule would outlive the key that its arguments are encrypted under.
    # Sorted: PostgreSQL keeps what the outbox sends without the order of its names.
    args = json.dumps(await decode(payloads), sort_keys=True, default=str)
    values["args"] = (args, [sorted(payload.metadata.items()) for payload in payloads])
    memo = values["memo"] or {}
    values["memo"] = {name: (await decode([kept]))[0] if isinstance(kept, Payload) else kept for name, kept in memo.items()}
    values["calendars"] = [_text(found) for found in values["calendars"]]
    return {name: str(value) for name, value in values.items() if name not in {"_from_raw", "headers"}}


def _text(found: sdk.ScheduleCalendarSpec) -> str:
    """As cron writes it; behind it what cron does not know, seconds and years."""
    fields = [getattr(found, name) for name in (*(field[0] for field in FIELDS), "second", "year")]
    text = " ".join(",".join(f"{r.start}-{r.end}/{r.step}" for r in ranges) for ranges in fields)
    return re.sub(r"\b(\d+)-\1/1\b|/1\b", r"\1", text).removesuffix(" 0 ")
