"""Workflows that are made to be interrupted."""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy


@workflow.defn(name="slow")
class SlowWorkflow:
    """Runs an activity so many times at once and gives the attempts that succeeded.

    `silence` is how many seconds without a heartbeat mean that an attempt was lost. A machine may stand still for some.
    """

    @workflow.run
    async def run(self, activity: str, argument: str, count: int, silence: float = 120) -> list[int]:
        runs = [
            workflow.execute_activity(
                activity,
                args=[argument, number],
                start_to_close_timeout=timedelta(minutes=10),
                heartbeat_timeout=timedelta(seconds=silence),
                retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=100), backoff_coefficient=1),
                result_type=int,
            )
            for number in range(count)
        ]
        return list(await asyncio.gather(*runs))


@workflow.defn(name="at_once")
class AtOnceWorkflow:
    """Ends as soon as it begins."""

    @workflow.run
    async def run(self) -> None:
        return
