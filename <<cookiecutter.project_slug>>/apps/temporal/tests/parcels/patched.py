"""The change as it is made: executions that were past this point without it go on without it."""

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
        if workflow.patched("2026-12-insure-parcels"):
            await workflow.execute_activity("insure", parcel, **WORK)
        number: str = await workflow.execute_activity("send", parcel, **WORK)
        return number
