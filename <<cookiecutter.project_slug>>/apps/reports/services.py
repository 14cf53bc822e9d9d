"""Asking for reports."""

from collections.abc import Sequence

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import validate_email
from django.db import transaction

from apps.executions.models import Execution
from apps.reports.documents import NO_PDF, can_write
from apps.reports.models import ADD, VIEW, Report
from apps.reports.tasks import send_report, write_reports
from apps.users.models import User

MAX_RECIPIENTS = 20
# As many characters as the ledger of mails takes.
MAX_ADDRESS = 254


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
def request_report(*, execution: Execution, format: str, recipients: Sequence[str] = ()) -> Report:  # noqa: A002  as the model
    """The report of an execution that has ended: the one that there is, else one that is written soon.

    One that failed is tried again. Each recipient gets it by mail, once. Raises ValidationError by field name.
    """
    if execution.is_open:
        raise ValidationError({"execution": f"It is {execution.state}: a report is written when it has ended."})
    if format not in Report.Format:
        raise ValidationError({"format": f"There is no format {format!r}: choose {', '.join(Report.Format.values)}."})
    if not can_write(format):
        raise ValidationError({"format": NO_PDF})
    _check_recipients(recipients)
    wanted = Report.objects.filter(execution=execution, attempt=execution.attempt, format=format)
    wanted.filter(status=Report.Status.FAILED).update(status=Report.Status.QUEUED, error="")
    report = wanted.defer("content").first()
    if report is None or report.status == Report.Status.QUEUED:
        queue_reports(execution, [format])
    report = report or wanted.defer("content").get()
    if recipients:
        send_report.enqueue(str(report.pk), sorted(set(recipients)))
    return report


def may_request(user: User | AnonymousUser, execution: Execution) -> bool:
    """Whether an account may have that execution written up: its own, or any with the permission to read reports."""
    return (execution.user_id is not None and execution.user_id == user.pk) or user.has_perm(VIEW)


def require_may_request(user: User | AnonymousUser, execution: Execution) -> None:
    """Raises PermissionDenied."""
    if not may_request(user, execution):
        raise PermissionDenied(f"This needs the permission {VIEW}.")


def may_mail(user: User | AnonymousUser, recipients: Sequence[str]) -> bool:
    """Whether an account may have a report mailed to them: to itself, or to anybody with the permission to add reports.

    Without it whoever has an account could send what he likes to people who never asked, in the site's name.
    """
    return all(user.is_authenticated and address.lower() == user.email for address in recipients) or user.has_perm(ADD)


def require_may_mail(user: User | AnonymousUser, recipients: Sequence[str]) -> None:
    """Raises PermissionDenied."""
    if not may_mail(user, recipients):
        raise PermissionDenied(f"To mail it to others needs the permission {ADD}.")


def _check_recipients(recipients: Sequence[str]) -> None:
    if len(recipients) > MAX_RECIPIENTS:
        raise ValidationError({"recipients": f"{len(recipients)} are too many: name at most {MAX_RECIPIENTS}."})
    for address in recipients:
        try:
            validate_email(address)
        except ValidationError as error:
            raise ValidationError({"recipients": f"{address[:100]!r} is no e-mail address."}) from error
        if len(address) > MAX_ADDRESS:
            raise ValidationError({"recipients": f"An address has at most {MAX_ADDRESS} characters."})
