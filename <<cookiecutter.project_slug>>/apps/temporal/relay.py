"""Read side of the outbox. Write side: outbox.py.

Several relays at once are safe: a start that arrives twice is one start, by its workflow id.
"""

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from django.db import connections
from django.utils import timezone

from apps.temporal import client
from apps.temporal.database import close_unusable_connections
from apps.temporal.exceptions import StartRefused, TemporalUnavailable
from apps.temporal.models import OutboxMessage

logger = logging.getLogger(__name__)


def deliver_due(limit: int = 100) -> int:
    """Send what is due, oldest first, and return how many were sent. Stops at the first sign that Temporal is away."""
    close_unusable_connections()
    sent = 0
    for message in OutboxMessage.objects.due(timezone.now())[:limit]:
        try:
            sent += _deliver(message)
        except TemporalUnavailable:
            break
    return sent


def nudge(pk: int) -> None:
    """Send one message now, in a thread of this process: the caller, often a web request, does not wait for Temporal."""
    _nudger(os.getpid()).submit(_deliver_alone, pk)


def _deliver(message: OutboxMessage) -> bool:
    payload = message.payload
    try:
        client.start_workflow(
            payload["workflow"], payload["argument"], workflow_id=message.aggregate_id, task_queue=payload["task_queue"]
        )
    except StartRefused as error:
        logger.error("start_refused", extra={"workflow_id": message.aggregate_id, "reason": str(error)})
        message.failed(str(error), final=True)
        return False
    except TemporalUnavailable as error:
        logger.warning("start_delayed", extra={"workflow_id": message.aggregate_id, "reason": str(error)})
        message.failed(str(error), final=False)
        raise
    except Exception as error:
        # Nobody foresaw it, so it may pass or not: it must not hold up the messages behind it.
        logger.exception("start_failed", extra={"workflow_id": message.aggregate_id})
        message.failed(f"{type(error).__name__}: {error}", final=False)
        return False
    if not message.sent():
        # Cancelled between our reading and our sending: the server has it now, so the server must be told.
        client.cancel(message.aggregate_id)
    return True


def _deliver_alone(pk: int) -> None:
    try:
        if message := OutboxMessage.objects.due(timezone.now()).filter(pk=pk).first():
            _deliver(message)
    except TemporalUnavailable:
        return
    finally:
        connections.close_all()


@cache
def _nudger(_pid: int) -> ThreadPoolExecutor:
    # By process: threads do not survive a fork.
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="outbox-nudge")
