"""A workflow of the tests whose one activity tells of itself, fails, and is tried again."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy


@workflow.defn
class CountingWorkflow:
    """Count to ten."""

    @workflow.run
    async def run(self) -> list[object]:
        """Give what the second try was told of the first."""
        told: list[object] = await workflow.execute_activity(
            "count",
            start_to_close_timeout=timedelta(minutes=5),
            heartbeat_timeout=timedelta(minutes=5),
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=100), maximum_attempts=2),
        )
        return told
