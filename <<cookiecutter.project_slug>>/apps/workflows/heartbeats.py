"""Signs of life of steps that give none themselves: a worker that was killed is missed within seconds, not after a timeout."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from threading import Event, Thread

from temporalio import activity

# In seconds.
EVERY = 2


@contextmanager
def alive() -> Iterator[None]:
    """Say every few seconds that this worker lives, from a thread beside."""
    over, context = Event(), copy_context()

    def beat() -> None:
        while not over.wait(EVERY):
            context.run(activity.heartbeat)

    beside = Thread(target=beat, name="heartbeat", daemon=True)
    beside.start()
    try:
        yield
    finally:
        over.set()
        beside.join()
