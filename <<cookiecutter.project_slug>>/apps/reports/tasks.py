"""Reports are written and mailed by django.tasks, each once however often it is tried."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.tasks import TaskContext, task

from apps.reports import writing
from apps.reports.models import Report


@task(backend="patient", takes_context=True)
def write_reports(context: "TaskContext[..., Any]", execution_id: str, attempt: int) -> int:
    """Write what is queued for an attempt of an execution, have it mailed, and give how many were written.

    Raises what may pass, to be tried again.
    """
    is_last = context.attempt >= _attempts()
    reports = Report.objects.filter(execution=UUID(execution_id), attempt=attempt).select_related("execution")
    written = sum([writing.write(report, is_last=is_last) for report in reports.filter(status=Report.Status.QUEUED)])
    # Also those of a try that ended before it had them mailed. Who has the mail gets no other.
    mailed = reports.filter(status=Report.Status.READY).exclude(recipients=[])
    if keys := [str(pk) for pk in mailed.values_list("pk", flat=True)]:
        mail_reports.enqueue(keys)
    return written


@task(backend="patient")
def mail_reports(keys: list[str]) -> int:
    """Mail reports of one subject, once to each recipient, and give how many mails were sent."""
    return writing.mail(list(Report.objects.filter(pk__in=keys).select_related("execution").order_by("format")))


@task(backend="patient", takes_context=True)
def send_report(context: "TaskContext[..., Any]", key: str, recipients: list[str]) -> int:
    """Mail a report that somebody asked for, once to each recipient, and give how many mails were sent.

    Writes it where it is not written yet. Raises what may pass, to be tried again.
    """
    report = Report.objects.filter(pk=UUID(key)).select_related("execution").first()
    if report and report.status == Report.Status.QUEUED:
        writing.write(report, is_last=context.attempt >= _attempts())
    if report is None or report.status != Report.Status.READY:
        return 0
    return writing.mail_to(report, recipients)


def _attempts() -> int:
    return int(settings.TASKS[write_reports.backend].get("OPTIONS", {}).get("max_attempts", 1))
