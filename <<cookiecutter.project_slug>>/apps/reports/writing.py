"""Writing what is queued and mailing it, once each, however often it is tried. Used by tasks.py and activities.py."""

import logging
from collections.abc import Iterable, Sequence

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import InterfaceError, OperationalError, transaction
from django.urls import reverse

from apps.notifications import mails
from apps.reports.documents import NoPdf, compose
from apps.reports.models import Report

logger = logging.getLogger(__name__)
# In bytes. Mail servers refuse more than some 10 MB, and a mail is a third longer than what it carries.
MAX_ATTACHED = 5_000_000
PASSING = (InterfaceError, OperationalError)


def write(report: Report, *, is_last: bool = False) -> bool:
    """Write a report, and give whether that worked. What is wrong with it is noted: trying again would not mend it.

    Raises what may pass, a database that is away or too busy, and notes it as well where this try `is_last`.
    """
    try:
        with transaction.atomic():
            content = compose(report)
    except NoPdf as error:
        report.failed(str(error))
    except Exception as error:
        if isinstance(error, PASSING) and not is_last:
            raise
        logger.exception("a report could not be written", extra={"report_id": str(report.pk)})
        report.failed(f"It could not be written: {type(error).__name__}.")
    else:
        report.written(content)
    return report.status == Report.Status.READY


def mail(reports: Sequence[Report]) -> int:
    """Mail reports of one subject to each of their recipients, who gets one mail. Gives how many were sent now.

    Raises what may pass. What never will is noted in the log.
    """
    recipients = {address for each in reports for address in each.recipients}
    return _mail(reports, recipients, key=f"report:{reports[0].subject}")


def mail_to(report: Report, recipients: Iterable[str]) -> int:
    """Mail a report to those whom somebody named, once to each, also where it was among others. Gives and raises as mail."""
    return _mail([report], recipients, key=f"report:{report.pk}")


def _mail(reports: Sequence[Report], recipients: Iterable[str], *, key: str) -> int:
    subject, sent = reports[0].subject, 0
    attached = [(each.filename, bytes(each.content), each.content_type.partition(";")[0]) for each in reports]
    if sum(each.size for each in reports) > MAX_ATTACHED:
        attached = []
    for recipient in sorted(recipients):
        try:
            sent += mails.send_once(
                key=f"{key}:{recipient}",
                to=recipient,
                subject=f"{settings.SITE_NAME}: report {subject}",
                body=_body(reports[0], attached=bool(attached)),
                attachments=attached,
            )
        except (ValidationError, mails.MailRefused):
            logger.warning("a report was not mailed: its recipient is refused", extra={"report_id": str(reports[0].pk)})
    return sent


def _body(report: Report, *, attached: bool) -> str:
    address = reverse("reports:list") + (f"?execution={report.execution_id}" if report.execution_id else "")
    where = "It is attached, and to be read" if attached else "It is too long for a mail. It is to be read"
    return f"The report {report.subject} was written.\n\n{where}, by those who may, at\n{settings.SITE_URL}{address}\n"
