"""What workers say of executions, gathered for a moment and stored at once: many rows cost one transaction.

An activity does not wait for its row; a workflow waits for the row of its end. What a process that is killed had not stored
yet, reconcile finds in the history.
"""

import atexit
import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from functools import cache

from django.conf import settings
from django.db import InterfaceError, OperationalError, connections

from apps.executions import projection
from apps.executions.shared import End, TaskRecord
from apps.temporal.database import close_unusable_connections

logger = logging.getLogger(__name__)

# Records that wait while the database is away. What is dropped beyond them, reconcile finds in the history.
ROOM = 20_000
# In seconds: how long an end waits for others, which share its transaction.
TOGETHER = 0.05


class Buffer:
    """The newest record of each try of an activity and the ends of executions, until a thread has stored them."""

    def __init__(self) -> None:
        self.lock, self.storing = threading.Lock(), threading.Lock()
        self.records: dict[tuple[str, str, str, int], TaskRecord] = {}
        self.ends: list[tuple[End, Future[None]]] = []
        self.filled, self.awaited = threading.Event(), threading.Event()
        self.executor: Executor | None = None
        self.thread: threading.Thread | None = None
        self.trouble = ""

    def put(self, record: TaskRecord) -> None:
        """Take a record; it is stored within EXECUTIONS_WRITE_SECONDS."""
        with self.lock:
            if self._wakes() and (record.try_key in self.records or len(self.records) < ROOM):
                self.records[record.try_key] = record

    def end(self, end: End) -> Future[None]:
        """Take an end. What is given back is done when the end is stored with its tasks, or has failed with the reason."""
        stored: Future[None] = Future()
        with self.lock:
            if not self._wakes():
                stored.set_result(None)
                return stored
            self.ends.append((end, stored))
            self.awaited.set()
            if self.executor:
                self.executor.submit(self.flush)
        return stored

    def flush(self) -> None:
        """Store what was taken, in the caller's thread. Raises nothing: records that the database did not take are kept."""
        with self.storing:
            with self.lock:
                records, self.records = self.records, {}
                ends, self.ends = self.ends, []
            if not records and not ends:
                return
            try:
                projection.record(list(records.values()), [end for end, _ in ends])
            except Exception as error:
                self._store_apart(list(records.values()), ends, error)
            else:
                self.trouble = ""
                _tell(ends)

    def run(self) -> None:
        """Store what comes, until the process ends."""
        took = 0.0
        while self.filled.wait():
            # Of records alone, a tenth of the time at most.
            self.awaited.wait(max(settings.EXECUTIONS_WRITE_SECONDS, 9 * took))
            time.sleep(TOGETHER)
            self.filled.clear()
            self.awaited.clear()
            began = time.monotonic()
            close_unusable_connections()
            self.flush()
            took = time.monotonic() - began

    def _wakes(self) -> bool:
        """Whether anybody stores what comes: not in a test without `stored_by`."""
        self.filled.set()
        if self.thread is None and self.executor is None and settings.EXECUTIONS_WRITE_SECONDS:
            self.thread = threading.Thread(target=self.run, name="executions", daemon=True)
            self.thread.start()
            atexit.register(self._last_flush)
        return bool(self.thread or self.executor)

    def _store_apart(self, records: Sequence[TaskRecord], ends: Sequence[tuple[End, Future[None]]], error: Exception) -> None:
        """Store each execution by itself where one has spoilt it for all; where the database is away, keep what came."""
        if isinstance(error, (InterfaceError, OperationalError)):
            self._keep(records, ends, error)
            return
        for name in sorted({each.workflow_id for each in records} | {end.workflow_id for end, _ in ends}):
            own = [each for each in records if each.workflow_id == name]
            own_ends = [(end, stored) for end, stored in ends if end.workflow_id == name]
            try:
                projection.record(own, [end for end, _ in own_ends])
            except Exception as own_error:
                # To come again would not help. Reconcile finds in the history what can be stored.
                logger.exception("projection_refused", extra={"workflow_id": name})
                _tell(own_ends, own_error)
            else:
                _tell(own_ends)

    def _keep(self, records: Sequence[TaskRecord], ends: Sequence[tuple[End, Future[None]]], error: Exception) -> None:
        """Keep records where nothing newer has come; a workflow's report of its end is tried again by Temporal."""
        with self.lock:
            for each in records:
                self.records.setdefault(each.try_key, each)
        self.filled.set()
        _tell(ends, error)
        if type(error).__name__ != self.trouble:
            logger.warning("projection_waits", extra={"reason": f"{type(error).__name__}: {error}".strip()})
        self.trouble = type(error).__name__

    def _last_flush(self) -> None:
        self.flush()
        connections.close_all()


def put(record: TaskRecord) -> None:
    """Store a record soon."""
    _buffer(os.getpid()).put(record)


def end(end: End) -> Future[None]:
    """Store an end, with the tasks of its execution and together with other ends of the same moment."""
    return _buffer(os.getpid()).end(end)


def flush() -> None:
    """Store what this process has not stored yet, in the caller's thread."""
    _buffer(os.getpid()).flush()


@contextmanager
def stored_by(executor: Executor) -> Iterator[None]:
    """While this lasts, ends are stored by `executor`, and records with them or at its end: what a test counts holds still."""
    buffer = _buffer(os.getpid())
    buffer.executor = executor
    try:
        yield
        executor.submit(buffer.flush).result()
    finally:
        buffer.executor = None


@cache
def _buffer(_pid: int) -> Buffer:
    # By process: threads do not survive a fork.
    return Buffer()


def _tell(ends: Sequence[tuple[End, Future[None]]], error: Exception | None = None) -> None:
    for _, stored in ends:
        if not stored.set_running_or_notify_cancel():
            continue
        if error:
            stored.set_exception(error)
        else:
            stored.set_result(None)
