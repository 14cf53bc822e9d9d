"""A worker as the SDK's documentation makes one, with this project's Django set up: `python -m bench.bare QUEUE`."""

import asyncio
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import django
from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, Worker


async def main(queue: str) -> None:
    """Work until SIGTERM, with as many slots and the same pollers as `manage.py runworker`."""
    from bench import activities, workflows  # noqa: PLC0415  models must be loaded first

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    slots = int(os.environ["TEMPORAL_ACTIVITY_SLOTS"])
    async with Worker(
        await Client.connect(os.environ["TEMPORAL_ADDRESS"]),
        task_queue=queue,
        workflows=[workflows.BenchActivities, workflows.BenchChunks, workflows.BenchRowByRow],
        activities=[activities.no_op, activities.orm, activities.wait_and_query, activities.chunk],
        activity_executor=ThreadPoolExecutor(slots),
        max_concurrent_activities=slots,
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
    ):
        await stop.wait()


if __name__ == "__main__":
    django.setup()
    asyncio.run(main(*sys.argv[1:]))
