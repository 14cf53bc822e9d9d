"""A workflow before it was changed: executions of it run, and ran. `ParcelWorkflow-sent.json` was recorded with it."""

from datetime import timedelta

from temporalio import workflow

WORK = workflow.ActivityConfig(start_to_close_timeout=timedelta(minutes=2))


@workflow.defn
class ParcelWorkflow:
    """Pack a parcel and send it."""

    @workflow.run
    async def run(self, parcel: str) -> str:
        """Give the tracking number."""
        await workflow.execute_activity("pack", parcel, **WORK)
        number: str = await workflow.execute_activity("send", parcel, **WORK)
        return number
