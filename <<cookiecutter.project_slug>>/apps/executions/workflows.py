"""The housekeeping of the executions' rows."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from apps.executions.activities import mend_executions
    from apps.executions.shared import RECONCILE, Mended

MENDING = workflow.ActivityConfig(
    start_to_close_timeout=timedelta(minutes=10),
    heartbeat_timeout=timedelta(seconds=60),
    retry_policy=RetryPolicy(maximum_interval=timedelta(minutes=1), maximum_attempts=5),
)


@workflow.defn(name=RECONCILE)
class ReconcileWorkflow:
    """Compare the executions with the server and mend what is not right."""

    @workflow.run
    async def run(self) -> Mended:
        """Give when it looked, from where the next one goes on, and how many rows were wrong."""
        last = workflow.get_last_completion_result(Mended)
        return await workflow.execute_activity(mend_executions, last.looked_at if last else None, **MENDING)
