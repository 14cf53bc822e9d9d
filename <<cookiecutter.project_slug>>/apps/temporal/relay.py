"""Read side of the outbox. Write side: outbox.py. What is sent how: senders.py.

Several relays at once are safe: each claims what it sends for a while, and a message that arrives twice has the effect of one.
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache

from django.db import connections
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from apps.temporal import client
from apps.temporal.database import close_unusable_connections
from apps.temporal.exceptions import Refused, TemporalError, TemporalUnavailable
from apps.temporal.models import OutboxMessage
from apps.temporal.senders import send

logger = logging.getLogger(__name__)

INTERVAL = 1.0
BATCH = 100
ROUND_TIMEOUT = 20.0
CLEAN_UP_EVERY = 3600.0
# Signs of a server that cannot be used by anybody, rather than of a message that it does not like.
AWAY = {RPCStatusCode.UNAVAILABLE, RPCStatusCode.UNAUTHENTICATED, RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.NOT_FOUND}

LOOK_EVERY = 60.0
_next_look: dict[str, float] = {}

type Answer = BaseException | None


def deliver_due(limit: int = BATCH) -> int:
    """Send up to `limit` of what is due, at once, and return how many were sent.

    Raises TemporalUnavailable when the server cannot be used: nothing is lost, the messages stay due.
    """
    close_unusable_connections()
    return _deliver(OutboxMessage.objects.claim(limit))


def deliver_all() -> int:
    """Send what is due until nothing is, and return how many were sent. Raises TemporalUnavailable."""
    close_unusable_connections()
    sent, claimed = 0, OutboxMessage.objects.claim(BATCH)
    while claimed:
        sent += _deliver(claimed)
        claimed = OutboxMessage.objects.claim(BATCH) if OutboxMessage.objects.is_any_due() else []
    return sent


def nudge() -> None:
    """Send what is due soon, in a thread of this process: the caller, often a web request, does not wait for Temporal."""
    _nudger(os.getpid()).nudge()


async def relay_until(stop: asyncio.Event, measure: Callable[[], None] | None = None) -> None:
    """Send what the processes that wrote it could not: they died, or Temporal was away. Deletes what is long done.

    `measure` is called before each round.
    """
    trouble, cleaned = "", float("-inf")
    loop = asyncio.get_running_loop()
    # One thread, so one database connection.
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="outbox") as thread:
        while not stop.is_set():
            try:
                await loop.run_in_executor(thread, _look, measure)
                if loop.time() - cleaned > CLEAN_UP_EVERY:
                    await loop.run_in_executor(thread, OutboxMessage.objects.clean_up)
                    cleaned = loop.time()
                trouble = ""
            except Exception as error:
                # Most often the database or Temporal is away: the process must outlive that, and says it once, not each second.
                if type(error).__name__ != trouble:
                    logger.warning("relay_waits", extra={"reason": f"{type(error).__name__}: {error}".strip()})
                trouble = type(error).__name__
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), INTERVAL)
        await loop.run_in_executor(thread, connections.close_all)


def _look(measure: Callable[[], None] | None) -> None:
    close_unusable_connections()
    if measure:
        measure()
    # Looking takes no lock, claiming does.
    if OutboxMessage.objects.is_any_due():
        deliver_all()


def _deliver(claimed: Sequence[OutboxMessage]) -> int:
    if not claimed:
        return 0
    try:
        answers = client.run(lambda connected: _send_all(connected, claimed), timeout=ROUND_TIMEOUT)
    except TemporalUnavailable as error:
        OutboxMessage.objects.release(claimed, str(error))
        raise
    return _record(claimed, answers)


async def _send_all(connected: Client, messages: Sequence[OutboxMessage]) -> list[Answer]:
    return await asyncio.gather(*(send(connected, message) for message in messages), return_exceptions=True)


def _record(messages: Sequence[OutboxMessage], answers: Sequence[Answer]) -> int:
    """Store what came of each. Raises TemporalUnavailable when the server could not be used for some."""
    answered = list(zip(messages, answers, strict=True))
    taken = [message for message, answer in answered if answer is None]
    sent = OutboxMessage.objects.record_sent(taken)
    # No answer in time: of one message, or of the whole server?
    silent = client.health() if any(isinstance(answer, TimeoutError) for answer in answers) else ""
    away = ""
    for message, answer in answered:
        if reason := silent if isinstance(answer, TimeoutError) else _away(answer):
            OutboxMessage.objects.release([message], away := reason)
        elif answer is not None:
            reason = str(answer) if isinstance(answer, Refused) else f"{type(answer).__name__}: {answer}"
            dead = message.failed(reason, final=isinstance(answer, Refused))
            log = logger.error if dead else logger.warning
            log(
                "message_dead" if dead else "message_delayed",
                extra={"kind": message.kind, "workflow_id": message.aggregate_id, "reason": reason},
            )
    if away:
        raise TemporalUnavailable(away)
    _warn_of_unpolled({message.payload["task_queue"] for message in taken if "task_queue" in message.payload})
    return sent


def _warn_of_unpolled(task_queues: set[str]) -> None:
    """Say, once a minute, that what was just sent to a queue will wait there, since no worker asks for it."""
    for task_queue in task_queues:
        if time.monotonic() > _next_look.get(task_queue, 0):
            _next_look[task_queue] = time.monotonic() + LOOK_EVERY
            with suppress(TemporalError):
                if not client.pollers(task_queue):
                    logger.warning("nobody_polls", extra={"task_queue": task_queue, "hint": "start `manage.py runworker` for it"})


def _away(answer: Answer) -> str:
    return answer.message if isinstance(answer, RPCError) and answer.status in AWAY else ""


class _Nudger:
    """Delivers in a thread; nudges that come while one waits for it are the same nudge."""

    def __init__(self) -> None:
        self.thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="outbox-nudge")
        self.waiting = threading.Lock()
        self.away_until = 0.0

    def nudge(self) -> None:
        if time.monotonic() > self.away_until and self.waiting.acquire(blocking=False):
            self.thread.submit(self._deliver)

    def _deliver(self) -> None:
        self.waiting.release()
        try:
            deliver_all()
        except TemporalUnavailable:
            self.away_until = time.monotonic() + INTERVAL
        except Exception:
            logger.exception("nudge_failed")
            connections.close_all()


@cache
def _nudger(_pid: int) -> _Nudger:
    # By process: threads do not survive a fork.
    return _Nudger()
