"""The summary of a day."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from temporalio import activity
from temporalio.exceptions import ApplicationError

from apps.reports import writing
from apps.reports.models import Report
from apps.reports.shared import DailyReportInput, DailyReportResult
from apps.reports.tasks import mail_reports

FORMATS = (Report.Format.HTML, Report.Format.CSV)


@activity.defn
def write_daily_report(wanted: DailyReportInput) -> DailyReportResult:
    """Write the summary of a day, anew when it was written before, and have it mailed to REPORT_RECIPIENTS, once a day."""
    day = wanted.day or timezone.localdate(activity.info().scheduled_time) - timedelta(days=1)
    recipients = settings.REPORT_RECIPIENTS
    reports = [Report.objects.update_or_create(day=day, format=each, defaults={"recipients": recipients})[0] for each in FORMATS]
    failed = [report.error for report in reports if not writing.write(report)]
    if failed:
        raise ApplicationError(" ".join(failed), type="ReportNotWritten", non_retryable=True)
    if recipients:
        mail_reports.enqueue([str(report.pk) for report in reports])
    return DailyReportResult(day=day, reports=[report.filename for report in reports])
