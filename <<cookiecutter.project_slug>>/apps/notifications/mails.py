"""Sending a mail once. The ledger: models.py. For workflows: activities.py; for everything else, this."""

from collections.abc import Sequence
from smtplib import SMTPDataError, SMTPRecipientsRefused

from django.core.validators import validate_email

from apps.notifications.models import Mail


class MailRefused(Exception):  # noqa: N818  says what is so, as Django's DoesNotExist does
    """The mail server will never take this mail."""


def send_once(
    *,
    key: str,
    to: str,
    subject: str,
    body: str,
    from_email: str | None = None,
    attachments: Sequence[tuple[str, bytes, str]] = (),
) -> bool:
    """Send the mail of that key unless it was sent, and give whether it was sent now. `attachments`: name, content, type.

    The ledger row is written first and marked when the mail server has taken the mail; a retry that finds the mark sends
    nothing. What remains: a process that dies between the server's yes and the mark, some milliseconds, sends again, with
    the same Message-ID. Raises ValidationError for what is no address, MailRefused, and what may pass as it comes.
    """
    validate_email(to)
    mail, _ = Mail.objects.get_or_create(key=key, defaults={"recipient": to, "subject": subject})
    if mail.sent_at:
        return False
    try:
        mail.send(body=body, from_email=from_email, attachments=attachments)
    except Exception as error:
        if _is_final(error):
            raise MailRefused("the mail server refused the mail") from error
        raise
    return True


def _is_final(error: Exception) -> bool:
    from anymail.exceptions import AnymailInvalidAddress, AnymailRecipientsRefused  # noqa: PLC0415  takes 0.2 s

    if isinstance(error, SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
    elif isinstance(error, SMTPDataError):
        codes = [error.smtp_code]
    else:
        return isinstance(error, (AnymailInvalidAddress, AnymailRecipientsRefused))
    return all(code >= 500 for code in codes)  # noqa: PLR2004  SMTP: 4xx may pass, 5xx never
