"""Somebody who watches executions, and what changes them."""

import threading
import time
from collections.abc import Callable
from typing import Any

from django.db.models import F

from apps.development.testing import PATIENCE
from apps.executions.models import Execution
from apps.executions.sse import Hub, Shown, Watcher
from tests.installation import wait_until

END = "event: end\ndata: \n\n"


class Reader:
    """A stream that notes what it is sent. `of` are the executions that it is about, as the client knows them."""

    def __init__(self, hub: Hub, *of: Execution, user_id: int = 1, render: Callable[..., str] = str, since: int = 0) -> None:
        self.watcher = Watcher(user_id, {row.pk: since for row in of}, lambda _: Shown("changed", render))
        self.sent: list[str] = []
        self.ended = False
        self._woken = threading.Event()
        self.watcher.wake = self._woken.set
        hub.join(self.watcher)

    def wait_for(self, wanted: str) -> None:
        """Until that was sent."""
        self._read_until(lambda: any(wanted in text for text in self.sent), wanted)

    def wait_for_end(self) -> None:
        """Until nothing follows."""
        self._read_until(lambda: self.ended, "the end")

    def _read_until(self, is_there: Callable[[], bool], wanted: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not is_there():
            assert self._woken.wait(deadline - time.monotonic()), f"{wanted!r} is not in {self.sent}"
            self._woken.clear()
            text, self.ended = self.watcher.take()
            self.sent.append(text)


def wait_for_look(hub: Hub) -> None:
    """Until it has taken a whole look that began after this call, for all who watch by now."""
    # One may be under way, and the next may know already who watches: the third begins when the second has ended.
    wanted = hub.polls + 3
    wait_until(lambda: hub.polls >= wanted, seconds=PATIENCE)


def change(row: Execution, **fields: Any) -> None:
    """A new revision, as the projection makes them."""
    Execution.objects.filter(pk=row.pk).update(revision=F("revision") + 1, **fields)


def step(row: Execution) -> str:
    return row.current_step
