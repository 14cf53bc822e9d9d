"""Mails from workflows, each sent once."""

from django.core.exceptions import ValidationError
from temporalio import activity
from temporalio.exceptions import ApplicationError

from apps.notifications import mails
from apps.notifications.shared import EmailPayload, EmailResult


@activity.defn
def send_email_activity(payload: EmailPayload) -> EmailResult:
    """Send a mail, once however often Temporal retries: mails.send_once says what holds."""
    key = payload.key or _key_of_this_activity()
    try:
        sent = mails.send_once(key=key, to=payload.to, subject=payload.subject, body=payload.body, from_email=payload.from_email)
    except ValidationError as error:
        raise ApplicationError(f"{payload.to!r} is not an e-mail address", type="InvalidAddress", non_retryable=True) from error
    except mails.MailRefused as error:
        raise ApplicationError(str(error), type="MailRefused", non_retryable=True) from error
    return EmailResult(repeated=not sent)


def _key_of_this_activity() -> str:
    info = activity.info()
    return f"{info.workflow_id}:{info.workflow_run_id}:{info.activity_id}"
