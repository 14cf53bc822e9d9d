"""A workflow of one slow activity."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from tests.slowly.activities import write_begin_and_end


@workflow.defn(name="slow")
class SlowWorkflow:
    """Gives the attempt that succeeded."""

    @workflow.run
    async def run(self, folder: str, seconds: float) -> int:
        return await workflow.execute_activity(
            write_begin_and_end,
            args=[folder, seconds],
            start_to_close_timeout=timedelta(seconds=60),
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=100)),
        )
