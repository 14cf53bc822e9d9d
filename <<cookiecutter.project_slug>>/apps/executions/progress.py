"""What an activity says of itself while it runs: how far it is, and its log lines. Both are kept with its task."""

import logging
import sys
import time
import traceback
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from structlog.contextvars import get_contextvars
from temporalio import activity

from apps.executions import buffer
from apps.executions.models import MAX_LOG
from apps.executions.shared import TaskRecord, storable

THROTTLE = 0.5
MAX_LINE, MAX_TRACEBACK = 500, 3_000
# What a log record has beside the fields that its writer gave it: the standard library's, structlog's and the SDK's own.
PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "_logger", "_name"}
OF_TEMPORAL = frozenset({"temporal_activity", "activity_info", "__temporal_error_identifier"})
# What structlog's processors add to an event.
OF_STRUCTLOG = frozenset({"event", "level", "logger", "timestamp", "exc_info", "stack_info", "trace_id"})


class RunningTask:
    """The activity that this context belongs to."""

    def __init__(self, record: TaskRecord) -> None:
        self.record, self.next_report = record, 0.0

    def add_line(self, line: str) -> None:
        """Keep a log line. It is stored with the next progress, or at the end."""
        self.record.log.append(storable(line))
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
        task.stored(progress=(done, total, storable(message[:200])))


class TaskLog(logging.Handler):
    """Keeps the log lines of an activity with its task."""

    def emit(self, record: logging.LogRecord) -> None:
        """Add the line to the task of this context, if there is one."""
        if task := current.get():
            try:
                task.add_line(_line(record))
            except Exception:
                self.handleError(record)


def _line(record: logging.LogRecord) -> str:
    """When, how grave, what, the writer's own fields; below them the end of the traceback, which names the error."""
    message, fields, error = record.getMessage(), vars(record), record.exc_info
    if isinstance(record.msg, dict):
        # structlog hands its event over whole, for a formatter to render.
        message, error = str(record.msg.get("event", "")), record.msg.get("exc_info") or error
        bound = get_contextvars().items()
        fields = {name: value for name, value in record.msg.items() if name not in OF_STRUCTLOG and (name, value) not in bound}
    own = "".join(f" {name}={value}" for name, value in fields.items() if name not in PLAIN | OF_TEMPORAL)
    moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    line = f"{moment} {record.levelname.lower()} {message}{own}"[:MAX_LINE]
    return f"{line}\n{trace[-MAX_TRACEBACK:]}" if (trace := _traceback(error)) else line


def _traceback(error: Any) -> str:
    """Of what loggers take for `exc_info`: an error, what sys.exc_info() gives, or that the one at hand is meant."""
    if isinstance(error, tuple):
        error = error[1]
    elif error and not isinstance(error, BaseException):
        error = sys.exception()
    return "".join(traceback.format_exception(error)).rstrip() if error else ""
