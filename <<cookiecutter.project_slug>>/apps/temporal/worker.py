"""The worker process: connects, polls one or more task queues, drains on the first signal, ends on the second."""

import asyncio
import logging
import os
import signal
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

from django.conf import settings
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import PollerBehaviorAutoscaling, Worker

from apps.temporal import registry, relay
from apps.temporal.client import connect
from apps.temporal.conf import connect_config, shutdown_grace

logger = logging.getLogger(__name__)

LOCAL_ACTIVITY_SLOTS = 4
RELAY_INTERVAL = 1.0
FIRST_RETRY, LAST_RETRY = 0.5, 5.0


def build_worker(client: Client, *, task_queue: str, slots: int, executor: ThreadPoolExecutor | None = None) -> Worker:
    """A worker for one queue with everything the registry found and `slots` activities at once.

    Slots never exceed threads, or activities would queue unseen inside the worker.
    """
    return Worker(
        client,
        task_queue=task_queue,
        workflows=list(registry.workflows().values()),
        activities=list(registry.activities().values()),
        activity_executor=executor or ThreadPoolExecutor(slots + LOCAL_ACTIVITY_SLOTS, thread_name_prefix="activity"),
        max_concurrent_activities=slots,
        max_concurrent_local_activities=LOCAL_ACTIVITY_SLOTS,
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
        # A cancel reaches an activity with the answer to a heartbeat, and the SDK holds those back for up to 30 s.
        max_heartbeat_throttle_interval=timedelta(seconds=1),
        graceful_shutdown_timeout=shutdown_grace(),
    )


async def run_worker(task_queues: Sequence[str]) -> None:
    """Work until SIGTERM or SIGINT, then let running activities finish within the grace. A second signal ends the process.

    Raises what the SDK raises when a worker fails for good.
    """
    stop = _stop_on_signal()
    client = await _connect_when_up(stop)
    if client is None:
        return
    workers = [build_worker(client, task_queue=queue, slots=settings.TEMPORAL_ACTIVITY_SLOTS) for queue in task_queues]
    running = [asyncio.create_task(worker.run()) for worker in workers]
    relaying = asyncio.create_task(_relay(stop))
    logger.info("worker_started", extra={"task_queues": list(task_queues), "address": connect_config()["target_host"]})
    await asyncio.wait([*running, asyncio.create_task(stop.wait())], return_when=asyncio.FIRST_COMPLETED)
    logger.info("worker_draining", extra={"grace_seconds": settings.TEMPORAL_SHUTDOWN_GRACE})
    stop.set()
    await asyncio.gather(*(worker.shutdown() for worker in workers), *running, relaying)
    logger.info("worker_stopped")


async def _connect_when_up(stop: asyncio.Event) -> Client | None:
    """Wait for the server and the namespace, however late they come. None when told to stop meanwhile."""
    delay = FIRST_RETRY
    while not stop.is_set():
        try:
            client = await connect()
            await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
        except (RuntimeError, RPCError) as error:
            logger.warning("waiting_for_temporal", extra={"address": connect_config()["target_host"], "reason": str(error)})
        else:
            return client
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), delay)
        delay = min(delay * 2, LAST_RETRY)
    return None


async def _relay(stop: asyncio.Event) -> None:
    """Send what the process that wrote it could not: it died, or Temporal was away."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="relay") as thread:
        while not stop.is_set():
            try:
                await asyncio.get_running_loop().run_in_executor(thread, relay.deliver_due)
            except Exception:
                # Most often the database is away; the worker must outlive that.
                logger.exception("relay_failed")
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), RELAY_INTERVAL)


def _stop_on_signal() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def handle(number: int, _frame: object) -> None:
        if stop.is_set():
            os._exit(128 + number)
        loop.call_soon_threadsafe(stop.set)

    # signal.signal, not the loop's own handler: a busy loop would not see the second signal in time.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)
    return stop
