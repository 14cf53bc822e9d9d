"""Asking for reports."""

from collections.abc import Sequence

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import transaction

from apps.executions.models import Execution
from apps.reports.documents import NO_PDF, can_write
from apps.reports.models import Report
from apps.reports.tasks import write_reports
from apps.users.models import User


@transaction.atomic
def queue_reports(execution: Execution, formats: Sequence[str], *, recipients: Sequence[str] = ()) -> None:
    """Have an attempt that has ended written up, in each format once, if this transaction commits."""
    Report.objects.bulk_create(
        (
            Report(execution=execution, attempt=execution.attempt, format=format_, recipients=list(recipients))
            for format_ in formats
        ),
        ignore_conflicts=True,
    )
    write_reports.enqueue(str(execution.pk), execution.attempt)


@transaction.atomic
def request_report(*, execution: Execution, format: str) -> Report:  # noqa: A002  what the model calls it
    """The report of an execution that has ended: the one that there is, else one that is written soon.

    One that failed is tried again. Raises ValidationError by field name.
    """
    if execution.is_open:
        raise ValidationError({"execution": f"It is {execution.state}: a report is written when it has ended."})
    if format not in Report.Format:
        raise ValidationError({"format": f"There is no format {format!r}: choose {', '.join(Report.Format.values)}."})
    if not can_write(format):
        raise ValidationError({"format": NO_PDF})
    wanted = Report.objects.filter(execution=execution, attempt=execution.attempt, format=format)
    wanted.filter(status=Report.Status.FAILED).update(status=Report.Status.QUEUED, error="")
    report = wanted.defer("content").first()
    if report is None or report.status == Report.Status.QUEUED:
        queue_reports(execution, [format])
    return report or wanted.defer("content").get()


def may_request(user: User | AnonymousUser, execution: Execution) -> bool:
    """Whether an account may have that execution written up: its own, or any with the permission to read reports."""
    return (execution.user_id is not None and execution.user_id == user.pk) or user.has_perm("reports.view_report")
