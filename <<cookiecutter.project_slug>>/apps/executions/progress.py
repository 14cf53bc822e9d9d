"""What an activity says of itself while it runs: how far it is, and its log lines. Both are kept with its task."""

import logging
import time
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from temporalio import activity

from apps.executions import buffer
from apps.executions.models import MAX_LOG
from apps.executions.shared import TaskRecord

THROTTLE = 0.5
MAX_LINE = 500
# What a log record has beside the fields that its writer gave it.
PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class RunningTask:
    """The activity that this context belongs to."""

    def __init__(self, record: TaskRecord) -> None:
        self.record, self.next_report = record, 0.0

    def add_line(self, line: str) -> None:
        """Keep a log line. It is stored with the next progress, or at the end."""
        self.record.log.append(line[:MAX_LINE])
        del self.record.log[:-MAX_LOG]

    def stored(self, **changes: Any) -> None:
        """Store what is known, with these changes."""
        self.record = replace(self.record, **changes)
        buffer.put(replace(self.record, log=list(self.record.log)))


current: ContextVar[RunningTask | None] = ContextVar("task", default=None)


def report_progress(done: int, total: int, message: str = "", *, heartbeat: Sequence[Any] | None = None) -> None:
    """Say how far the running activity is: for its page at most twice a second, and to Temporal as its heartbeat.

    `heartbeat` are the details that a next attempt may begin with, `done`, `total` and `message` when left out.
    """
    activity.heartbeat(*((done, total, message) if heartbeat is None else heartbeat))
    task = current.get()
    if task and (done >= total or time.monotonic() >= task.next_report):
        task.next_report = time.monotonic() + THROTTLE
        task.stored(progress=(done, total, message[:200]))


class TaskLog(logging.Handler):
    """Keeps the log lines of an activity with its task."""

    def emit(self, record: logging.LogRecord) -> None:
        """Add the line to the task of this context, if there is one."""
        if task := current.get():
            fields = "".join(f" {name}={value}" for name, value in vars(record).items() if name not in PLAIN)
            moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
            task.add_line(f"{moment} {record.levelname.lower()} {record.getMessage()}{fields}")
