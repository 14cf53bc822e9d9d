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
from temporalio.runtime import Runtime
from temporalio.service import RPCError
from temporalio.worker import (
    FixedSizeSlotSupplier,
    PollerBehaviorAutoscaling,
    ResourceBasedSlotConfig,
    ResourceBasedSlotSupplier,
    ResourceBasedTunerConfig,
    Worker,
    WorkerTuner,
)

from apps.temporal import queues, registry
from apps.temporal.client import connect
from apps.temporal.conf import connect_config, shutdown_grace
from apps.temporal.metrics import OutboxGauges, worker_runtime
from apps.temporal.probes import Probes
from apps.temporal.relay import relay_until

logger = logging.getLogger(__name__)

LOCAL_ACTIVITY_THREADS = 4
WORKFLOW_SLOTS = 100
FIRST_RETRY, LAST_RETRY = 0.5, 5.0


def build_worker(
    client: Client, *, task_queue: str, limits: queues.Limits | None = None, executor: ThreadPoolExecutor | None = None
) -> Worker:
    """A worker for one queue with everything the registry found, within the limits of that queue.

    Slots never exceed threads, or activities would queue unseen inside the worker.
    """
    limits = limits or queues.limits_of(task_queue)
    return Worker(
        client,
        task_queue=task_queue,
        workflows=list(registry.workflows().values()),
        activities=list(registry.activities().values()),
        activity_executor=executor or ThreadPoolExecutor(limits.slots + LOCAL_ACTIVITY_THREADS, thread_name_prefix="activity"),
        tuner=_tuner(limits),
        max_activities_per_second=limits.worker_rate,
        max_task_queue_activities_per_second=limits.queue_rate,
        # An activity that is handed to the worker beside the queue would not be counted.
        disable_eager_activity_execution=limits.queue_rate is not None,
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
    stop = stop_on_signal()
    async with Probes(stop) as probes:
        runtime = worker_runtime()
        client = await _connect_when_up(stop, runtime)
        if client is None:
            return
        workers = [build_worker(client, task_queue=queue) for queue in task_queues]
        running = [asyncio.create_task(worker.run()) for worker in workers]
        measure = OutboxGauges(runtime).refresh if settings.TEMPORAL_METRICS_ADDRESS else None
        relaying = asyncio.create_task(relay_until(stop, measure))
        probes.client = client
        logger.info("worker_started", extra={"task_queues": list(task_queues), "address": connect_config()["target_host"]})
        await asyncio.wait([*running, asyncio.create_task(stop.wait())], return_when=asyncio.FIRST_COMPLETED)
        logger.info("worker_draining", extra={"grace_seconds": settings.TEMPORAL_SHUTDOWN_GRACE})
        stop.set()
        await asyncio.gather(*(worker.shutdown() for worker in workers), *running, relaying)
    logger.info("worker_stopped")


def _tuner(limits: queues.Limits) -> WorkerTuner:
    activities: FixedSizeSlotSupplier | ResourceBasedSlotSupplier = FixedSizeSlotSupplier(limits.slots)
    if limits.memory < 1:
        activities = ResourceBasedSlotSupplier(
            ResourceBasedSlotConfig(minimum_slots=1, maximum_slots=limits.slots),
            ResourceBasedTunerConfig(target_memory_usage=limits.memory, target_cpu_usage=1.0),
        )
    return WorkerTuner.create_composite(
        workflow_supplier=FixedSizeSlotSupplier(WORKFLOW_SLOTS),
        activity_supplier=activities,
        # The ends of executions are told by local activities, which wait without a thread.
        local_activity_supplier=FixedSizeSlotSupplier(WORKFLOW_SLOTS),
        nexus_supplier=FixedSizeSlotSupplier(1),
    )


async def _connect_when_up(stop: asyncio.Event, runtime: Runtime) -> Client | None:
    """Wait for the server and the namespace, however late they come. None when told to stop meanwhile."""
    delay = FIRST_RETRY
    while not stop.is_set():
        try:
            client = await connect(runtime)
            await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
        except (RuntimeError, RPCError) as error:
            logger.warning("waiting_for_temporal", extra={"address": connect_config()["target_host"], "reason": str(error)})
        else:
            return client
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), delay)
        delay = min(delay * 2, LAST_RETRY)
    return None


def stop_on_signal() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set. A second signal ends the process at once."""
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
