"""A workflow of the tests whose one activity tells of itself, fails, and is tried again."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

RETRY_AFTER = timedelta(seconds=2)


@workflow.defn
class CountingWorkflow:
    """Count to ten."""

    @workflow.run
    async def run(self) -> list[object]:
        """Give what the second try was told of the first."""
        told: list[object] = await workflow.execute_activity(
            "count",
            start_to_close_timeout=timedelta(seconds=20),
            heartbeat_timeout=timedelta(seconds=20),
            retry_policy=RetryPolicy(initial_interval=RETRY_AFTER, maximum_attempts=2),
        )
        return told
