"""What workers say of activities, gathered for a moment and stored at once: an activity does not wait for its row.

What a process that is killed had not stored yet, reconcile finds in the history.
"""

import atexit
import logging
import os
import threading
import time
from collections.abc import Iterable
from functools import cache

from django.conf import settings
from django.db import connections

from apps.executions import projection
from apps.executions.shared import TaskRecord
from apps.temporal.database import close_unusable_connections

logger = logging.getLogger(__name__)

# Records that wait while the database is away. What is dropped beyond them, reconcile finds in the history.
ROOM = 20_000


class Buffer:
    """The newest record of each activity, until a thread has stored it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.storing = threading.Lock()
        self.records: dict[tuple[str, str, str], TaskRecord] = {}
        self.filled = threading.Event()
        self.trouble = ""

    def put(self, record: TaskRecord) -> None:
        """Take a record; the thread stores it within EXECUTIONS_WRITE_SECONDS."""
        with self.lock:
            if record.key in self.records or len(self.records) < ROOM:
                self.records[record.key] = record
        self.filled.set()

    def take(self, workflow_id: str) -> list[TaskRecord]:
        """What is known of one execution and not stored yet: the caller stores it."""
        with self.lock:
            keys = [key for key in self.records if key[0] == workflow_id]
            return [self.records.pop(key) for key in keys]

    def give_back(self, records: Iterable[TaskRecord]) -> None:
        """Keep what was taken and could not be stored, where nothing newer has come."""
        with self.lock:
            for record in records:
                self.records.setdefault(record.key, record)
        self.filled.set()

    def flush(self) -> None:
        """Store what was taken, in the caller's thread. Raises nothing: what the database did not take is kept."""
        with self.storing:
            with self.lock:
                taken, self.records = self.records, {}
            if not taken:
                return
            try:
                projection.record(list(taken.values()))
                self.trouble = ""
            except Exception as error:
                self.give_back(taken.values())
                if type(error).__name__ != self.trouble:
                    logger.warning("projection_waits", extra={"reason": f"{type(error).__name__}: {error}".strip()})
                self.trouble = type(error).__name__

    def run(self) -> None:
        """Store what comes, until the process ends."""
        while self.filled.wait():
            self.filled.clear()
            close_unusable_connections()
            began = time.monotonic()
            self.flush()
            # Under load, a tenth of the time at most.
            time.sleep(max(settings.EXECUTIONS_WRITE_SECONDS, 9 * (time.monotonic() - began)))


def put(record: TaskRecord) -> None:
    """Store a record soon; where EXECUTIONS_WRITE_SECONDS is 0, as in tests, with the end of its execution."""
    _buffer(os.getpid()).put(record)


def take(workflow_id: str) -> list[TaskRecord]:
    """What this process knows of one execution and has not stored yet: the caller stores it."""
    return _buffer(os.getpid()).take(workflow_id)


def give_back(records: Iterable[TaskRecord]) -> None:
    """Keep what was taken and could not be stored."""
    _buffer(os.getpid()).give_back(records)


def flush() -> None:
    """Store what this process has not stored yet, in the caller's thread."""
    _buffer(os.getpid()).flush()


@cache
def _buffer(_pid: int) -> Buffer:
    # By process: threads do not survive a fork.
    buffer = Buffer()
    if settings.EXECUTIONS_WRITE_SECONDS:
        threading.Thread(target=buffer.run, name="executions", daemon=True).start()
        atexit.register(_last_flush, buffer)
    return buffer


def _last_flush(buffer: Buffer) -> None:
    buffer.flush()
    connections.close_all()
