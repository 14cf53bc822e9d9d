"""The change as it must not be made: executions that have sent their parcel already get stuck."""

from datetime import timedelta

from temporalio import workflow

WORK = workflow.ActivityConfig(start_to_close_timeout=timedelta(minutes=2))


@workflow.defn
class ParcelWorkflow:
    """Pack a parcel, insure it and send it."""

    @workflow.run
    async def run(self, parcel: str) -> str:
        """Give the tracking number."""
        await workflow.execute_activity("pack", parcel, **WORK)
        await workflow.execute_activity("insure", parcel, **WORK)
        number: str = await workflow.execute_activity("send", parcel, **WORK)
        return number
