"""The summary that is written every day: schedules.py says when."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from apps.reports.activities import write_daily_report
    from apps.reports.shared import DAILY_REPORT, DailyReportInput, DailyReportResult

WRITING = workflow.ActivityConfig(
    start_to_close_timeout=timedelta(minutes=10),
    retry_policy=RetryPolicy(maximum_interval=timedelta(minutes=1)),
)


@workflow.defn(name=DAILY_REPORT)
class DailyReportWorkflow:
    """Write what became of the executions of a day, and mail it to those who want it."""

    planned_tasks = ("write_daily_report",)

    @workflow.run
    async def run(self, input: DailyReportInput) -> DailyReportResult:  # noqa: A002  the SDK's word
        """Give the day and the reports that were written."""
        return await workflow.execute_activity(write_daily_report, input, **WRITING)
