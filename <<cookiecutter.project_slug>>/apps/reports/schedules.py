"""When the summary of a day is written: once somebody resumes the schedule, since not every team wants one."""

from datetime import timedelta

from django.conf import settings

from apps.reports.shared import DAILY_REPORT, DailyReportInput
from apps.schedules.services import WorkflowSchedule

SCHEDULES = (
    WorkflowSchedule(
        name="daily-report",
        workflow=DAILY_REPORT,
        argument=DailyReportInput(),
        cron=("0 6 * * *",),
        time_zone=settings.TIME_ZONE,
        catch_up=timedelta(hours=12),
        paused=True,
    ),
)
