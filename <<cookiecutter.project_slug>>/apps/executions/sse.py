"""Live changes of executions as Server-Sent Events: who watches what, and the one thread that looks. The answers: stream.py.

However many watch, a process asks the database once a tick, renders a change once for all who see it alike, and keeps for
each stream only the newest state of each execution. https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import logging
import re
import threading
import time
from collections.abc import Callable, Collection, Hashable, Mapping
from typing import Final, NamedTuple
from uuid import UUID

from django.db import DatabaseError, connections

from apps.executions import states
from apps.executions.live import END
from apps.executions.models import Execution
from apps.temporal.database import close_unusable_connections

logger = logging.getLogger(__name__)

# Seconds between two looks at the database: an execution is sent at most twice a second.
INTERVAL: Final = 0.5
# Seconds for which what has ended is still watched: tasks may report after their execution.
LINGER: Final = 2.0
# Seconds after which a stream ends. The browser comes back, and is asked again who it is.
MAX_AGE: Final = 300.0
MAX_WATCHERS: Final = 500
MAX_WATCHERS_OF_A_USER: Final = 100
LINE_END: Final = re.compile(r"\r\n|\r|\n")


class TooManyWatchers(Exception):  # noqa: N818  says what is so, as Django's DoesNotExist does
    """This process, or this account, has as many streams open as it may have."""


class Shown(NamedTuple):
    """How somebody sees an execution: the event's name and what renders its data. Equal ones are rendered once."""

    event: str
    render: Callable[..., str]
    arguments: tuple[Hashable, ...] = ()


class Watcher:
    """One open stream. The hub puts events in, whoever writes the stream takes them out when `wake` was called.

    `known` are the executions with the revisions that the client has; `show` says how its user sees one.
    """

    def __init__(self, user_id: int, known: Mapping[UUID, int], show: Callable[[Execution], Shown]) -> None:
        self.user_id, self.known, self.show = user_id, dict(known), show
        self.born = self.moved = time.monotonic()
        self.wake: Callable[[], object] = lambda: None
        self.ended = False
        self._waiting: dict[UUID, str] = {}
        self._last = ""
        self._lock = threading.Lock()

    def put(self, key: UUID, revision: int, text: str) -> None:
        """Have this sent, in place of what was not sent yet of the same execution."""
        with self._lock:
            self._waiting[key] = text
        self.known[key], self.moved = revision, time.monotonic()
        self.wake()

    def end(self, text: str = "") -> None:
        """End the stream after what waits, and this."""
        with self._lock:
            self._last, self.ended = text, True
        self.wake()

    def take(self) -> tuple[str, bool]:
        """What is to be written now, and whether nothing follows."""
        with self._lock:
            text, self._waiting = "".join(self._waiting.values()), {}
            return text + self._last, self.ended


class Hub:
    """All streams of a process. Its thread runs while there are any; `polls` counts how often it has asked the database."""

    def __init__(self) -> None:
        self.polls = 0
        self._watchers: set[Watcher] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._failing = False

    def join(self, watcher: Watcher) -> None:
        """Begin to tell it of changes. Raises TooManyWatchers, also when the process ends."""
        with self._lock:
            of_the_user = sum(other.user_id == watcher.user_id for other in self._watchers)
            if len(self._watchers) >= MAX_WATCHERS or of_the_user >= MAX_WATCHERS_OF_A_USER or self._closing.is_set():
                raise TooManyWatchers
            self._watchers.add(watcher)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="executions-stream", daemon=True)
                self._thread.start()

    def leave(self, watcher: Watcher) -> None:
        """Forget it. A second time does nothing."""
        with self._lock:
            self._watchers.discard(watcher)

    def close(self) -> None:
        """End every stream and take no more: the process ends, and its server waits for them."""
        self._closing.set()
        with self._lock:
            watchers = list(self._watchers)
        for watcher in watchers:
            watcher.end()

    def _watch(self) -> None:
        while watchers := self._present():
            started = time.monotonic()
            try:
                close_unusable_connections()
                self._poll(watchers)
                self._failing = False
            except Exception:
                # Said once. The streams stay open, and go on when the database does.
                if not self._failing:
                    logger.exception("stream_waits")
                self._failing = True
            self._closing.wait(max(0.0, INTERVAL - (time.monotonic() - started)))
        connections.close_all()

    def _present(self) -> list[Watcher]:
        with self._lock:
            self._watchers = {watcher for watcher in self._watchers if not watcher.ended}
            if not self._watchers:
                self._thread = None
            return list(self._watchers)

    def _poll(self, watchers: Collection[Watcher]) -> None:
        self.polls += 1
        watched = {key for watcher in watchers for key in watcher.known}
        rows = Execution.objects.filter(pk__in=watched).values_list("pk", "revision", "status").order_by()
        revisions, opened = {}, set()
        for key, revision, status in rows:
            revisions[key] = revision
            if status in states.OPEN:
                opened.add(key)
        changed = {key for each in watchers for key, known in each.known.items() if revisions.get(key, known) != known}
        if changed:
            _tell(watchers, Execution.objects.select_related("user").in_bulk(changed))
        now = time.monotonic()
        for watcher in watchers:
            if opened.isdisjoint(watcher.known) and now - watcher.moved > LINGER:
                watcher.end(_event(END))
            elif now - watcher.born > MAX_AGE:
                watcher.end()


hub = Hub()


def _tell(watchers: Collection[Watcher], executions: Mapping[UUID, Execution]) -> None:
    # Ends first: they are what people wait for, and rendering takes its time where the machine is busy.
    for execution in sorted(executions.values(), key=lambda each: each.is_open):
        rendered: dict[Shown, str] = {}
        for watcher in watchers:
            if watcher.known.get(execution.pk, execution.revision) == execution.revision:
                continue
            shown = watcher.show(execution)
            if shown not in rendered:
                rendered[shown] = _rendered(execution, shown)
            watcher.put(execution.pk, execution.revision, rendered[shown])


def _rendered(execution: Execution, shown: Shown) -> str:
    try:
        return _event(shown.event, shown.render(execution, *shown.arguments), execution.revision)
    except DatabaseError:
        raise
    except Exception:
        # One that cannot be shown must not keep the others from being shown.
        logger.exception("stream_not_rendered")
        return ""


def _event(name: str, data: str = "", number: int | None = None) -> str:
    lines = [f"event: {name}", *(f"data: {line}" for line in LINE_END.split(data))]
    if number is not None:
        lines.append(f"id: {number}")
    return "\n".join((*lines, "", ""))
