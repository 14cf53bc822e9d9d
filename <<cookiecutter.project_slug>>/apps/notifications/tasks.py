"""Delivery of what was queued, by django.tasks: once, however often it is tried."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.tasks import TaskContext, task
from django.utils import timezone

from apps.notifications import mails, messages, webhooks
from apps.notifications.models import Channel, Notification


class TooMany(Exception):  # noqa: N818  says what is so, as Django's DoesNotExist does
    """The account has had its mails of this hour."""


class NoAddress(Exception):  # noqa: N818  as above
    """The account can no longer be told by this way."""


# What no further attempt can cure.
FINAL = (NoAddress, TooMany, ValidationError, mails.MailRefused, webhooks.WebhookRefused)


@task(backend="patient", takes_context=True)
def deliver(context: "TaskContext[..., Any]", notification_id: int) -> str:
    """Deliver a notification unless it was, and give where it stands. Raises what may pass, to be tried again."""
    queued = Notification.objects.select_related("execution", "user__contact")
    notification = queued.filter(pk=notification_id).exclude(status=Notification.Status.SENT).first()
    if notification is None:
        return Notification.Status.SENT
    try:
        WAYS[notification.channel](notification)
    except FINAL as error:
        notification.note_error(error, final=True)
    except Exception as error:
        notification.note_error(error, final=context.attempt >= _attempts())
        raise
    else:
        notification.mark_sent()
    return notification.status


def _by_email(notification: Notification) -> None:
    if not notification.user.is_active:
        raise NoAddress("The account is not active.")
    sent = Notification.objects.filter(
        user=notification.user, channel=Channel.EMAIL, sent_at__gt=timezone.now() - timedelta(hours=1)
    )
    if sent.count() >= settings.NOTIFICATION_MAILS_AN_HOUR:
        raise TooMany(f"More than {settings.NOTIFICATION_MAILS_AN_HOUR} mails in an hour.")
    subject, body = messages.words(notification)
    mails.send_once(key=notification.key, to=notification.user.email, subject=subject, body=body)


def _by_webhook(notification: Notification) -> None:
    contact = getattr(notification.user, "contact", None)
    if contact is None or not contact.webhook_url or not notification.user.is_active:
        raise NoAddress("The account has no webhook any more.")
    body = messages.document(notification)
    webhooks.post(contact.webhook_url, key=notification.key, secret=contact.webhook_secret, body=body)


WAYS: Mapping[str, Callable[[Notification], None]] = {Channel.EMAIL: _by_email, Channel.WEBHOOK: _by_webhook}


def _attempts() -> int:
    return int(settings.TASKS[deliver.backend].get("OPTIONS", {}).get("max_attempts", 1))
