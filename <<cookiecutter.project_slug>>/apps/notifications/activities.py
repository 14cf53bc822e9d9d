"""Mails from workflows, each sent once."""

from smtplib import SMTPDataError, SMTPRecipientsRefused

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from temporalio import activity
from temporalio.exceptions import ApplicationError

from apps.notifications.models import Mail
from apps.notifications.shared import EmailPayload, EmailResult


@activity.defn
def send_email_activity(payload: EmailPayload) -> EmailResult:
    """Send a mail, once however often Temporal retries.

    The ledger row is written first and marked when the mail server has taken the mail; a retry that finds the mark sends
    nothing. What remains: a process that dies between the server's yes and the mark, some milliseconds, sends again, with
    the same Message-ID.
    """
    try:
        validate_email(payload.to)
    except ValidationError as error:
        raise ApplicationError(f"{payload.to!r} is not an e-mail address", type="InvalidAddress", non_retryable=True) from error
    mail, _ = Mail.objects.get_or_create(
        key=payload.key or _key_of_this_activity(), defaults={"recipient": payload.to, "subject": payload.subject}
    )
    if mail.sent_at:
        return EmailResult(repeated=True)
    try:
        mail.send(body=payload.body, from_email=payload.from_email)
    except (SMTPRecipientsRefused, SMTPDataError) as error:
        if _is_final(error):
            raise ApplicationError("the mail server refused the mail", type="MailRefused", non_retryable=True) from error
        raise
    return EmailResult()


def _is_final(error: SMTPRecipientsRefused | SMTPDataError) -> bool:
    codes = [code for code, _ in error.recipients.values()] if isinstance(error, SMTPRecipientsRefused) else [error.smtp_code]
    return all(code >= 500 for code in codes)  # noqa: PLR2004  SMTP: 4xx may pass, 5xx never


def _key_of_this_activity() -> str:
    info = activity.info()
    return f"{info.workflow_id}:{info.workflow_run_id}:{info.activity_id}"
