"""Telling people what became of an execution, and what they make of it."""

from contextlib import suppress

from django.db import transaction
from django.utils import timezone

from apps.executions.models import Execution
from apps.notifications import preferences, tasks
from apps.notifications.models import Channel, Contact, Mail, Notification, new_secret
from apps.notifications.webhooks import read_address, resolve
from apps.users.models import User

Status = Notification.Status


def notify(execution: Execution, event: str, *, reason: str = "") -> None:
    """Tell whoever wants to know if, and only if, the caller's transaction commits; once for each attempt of the execution."""
    for user_id, channel in preferences.recipients(execution, event):
        in_inbox = channel == Channel.INAPP
        notification, created = Notification.objects.get_or_create(
            execution=execution,
            attempt=execution.attempt,
            event=event,
            channel=channel,
            user_id=user_id,
            defaults={
                "reason": reason,
                "status": Status.SENT if in_inbox else Status.QUEUED,
                "sent_at": timezone.now() if in_inbox else None,
            },
        )
        if created and not in_inbox:
            tasks.deliver.enqueue(notification.pk)


@transaction.atomic
def send_again(notification: Notification) -> bool:
    """Try once more to deliver what failed, and give whether it had."""
    failed = Notification.objects.filter(pk=notification.pk, status=Status.FAILED).update(status=Status.QUEUED, error="")
    if failed:
        tasks.deliver.enqueue(notification.pk)
    return bool(failed)


def mark_read(*, user: User, pk: int | None = None) -> int:
    """Note that an account has read one of its messages, or all of them, and give how many it had not."""
    unread = Notification.objects.inbox(user).unread()
    return (unread if pk is None else unread.filter(pk=pk)).update(read_at=timezone.now())


@transaction.atomic
def set_contact(*, user: User, webhook_url: str, follows_all: bool) -> Contact:
    """Say where an account has its webhook, and whether it follows the executions of others.

    Raises WebhookRefused for an address that webhooks may not go to. A name that is not known at the moment may be later.
    """
    if webhook_url:
        parts = read_address(webhook_url)
        with suppress(OSError):
            resolve(parts)
    contact, _ = Contact.objects.update_or_create(user=user, defaults={"webhook_url": webhook_url, "follows_all": follows_all})
    preferences.forget()
    return contact


def renew_secret(*, user: User) -> Contact:
    """Give an account's webhook another key. What was signed with the old one is not taken any more."""
    contact, created = Contact.objects.get_or_create(user=user)
    if not created:
        contact.webhook_secret = new_secret()
        contact.save(update_fields=["webhook_secret"])
    return contact


def forget_mails(execution: Execution) -> int:
    """Have the mails whose keys begin with its workflow id sent again in an execution's new attempt, and give their number."""
    prefix, earlier = f"{execution.temporal_workflow_id}:", execution.attempt - 1
    # LIKE ignores case on SQLite.
    mails = [mail for mail in Mail.objects.filter(key__startswith=prefix) if mail.key.startswith(prefix)]
    for mail in mails:
        mail.key = f"attempt {earlier} of {mail.key}"
    return Mail.objects.bulk_update(mails, ["key"])
