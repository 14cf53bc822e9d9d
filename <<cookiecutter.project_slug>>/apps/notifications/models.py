"""Who is told what by which way, what was told, and the ledger of mails: what was sent, so that it is not sent again."""

import secrets
from base64 import b64encode
from collections.abc import Sequence
from typing import Any, ClassVar, Self

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import salted_hmac

from apps.executions.models import Execution

MAX_ERROR = 500


class Event(models.TextChoices):
    """What people may be told of an execution."""

    START = "start", "Started"
    PAUSE = "pause", "Paused"
    SUCCESS = "success", "Completed"
    FAILURE = "failure", "Failed or timed out"


class Channel(models.TextChoices):
    """The ways to tell it."""

    INAPP = "inapp", "Inbox"
    EMAIL = "email", "E-mail"
    WEBHOOK = "webhook", "Webhook"


def new_secret() -> str:
    """A key that signs webhooks, in the form of https://www.standardwebhooks.com."""
    return f"whsec_{b64encode(secrets.token_bytes(32)).decode()}"


class Contact(models.Model):
    """How an account is told of executions, beside its e-mail address. `follows_all` needs the permission to view them."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="contact")
    follows_all = models.BooleanField(default=False)
    webhook_url = models.CharField(max_length=500, blank=True)
    webhook_secret = models.CharField(max_length=100, default=new_secret, editable=False)

    def __str__(self) -> str:
        return str(self.user)


class Preference(models.Model):
    """What an account wants to be told of, where it differs from the settings. Without a workflow it is about all of them."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notification_preferences")
    workflow = models.CharField(max_length=200, blank=True)
    event = models.CharField(max_length=10, choices=Event)
    channel = models.CharField(max_length=10, choices=Channel)
    wanted = models.BooleanField()

    class Meta:
        ordering = ("user", "workflow", "event", "channel")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "workflow", "event", "channel"], name="one_preference_each"),
        ]

    def __str__(self) -> str:
        return f"{self.workflow or 'every workflow'}, {self.event}, {self.channel}: {'on' if self.wanted else 'off'}"


class NotificationQuerySet(models.QuerySet["Notification"]):
    """What was told, or is to be."""

    def inbox(self, user: Any) -> Self:
        """What an account finds in its inbox."""
        return self.filter(user_id=user.pk or 0, channel=Channel.INAPP)

    def unread(self) -> Self:
        """What nobody has opened."""
        return self.filter(read_at=None)


class Notification(models.Model):
    """One message to one account by one way: at most one for each execution, attempt and event."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        SENT = "sent"
        FAILED = "failed"

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="notifications")
    attempt = models.PositiveIntegerField()
    event = models.CharField(max_length=10, choices=Event)
    channel = models.CharField(max_length=10, choices=Channel)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications")
    reason = models.TextField(blank=True, help_text="Why, where the execution says so.")
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    error = models.CharField(max_length=MAX_ERROR, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-pk")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["execution", "attempt", "event", "channel", "user"], name="one_notification_each"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "-created_at", "-id"], condition=Q(channel="inapp"), name="notification_inbox"),
            models.Index(fields=["user"], condition=Q(channel="inapp", read_at=None), name="notification_unread"),
            models.Index(fields=["user", "sent_at"], condition=Q(channel="email"), name="notification_mails"),
        ]

    def __str__(self) -> str:
        return f"{self.event} of {self.execution_id} to {self.user_id} by {self.channel}"

    @property
    def key(self) -> str:
        """The same for every attempt to deliver it, so that its receiver can drop a repetition."""
        return f"notification-{self.pk}"

    def mark_sent(self) -> None:
        """Note that it has arrived."""
        self.status, self.error, self.sent_at = self.Status.SENT, "", timezone.now()
        self.save(update_fields=["status", "error", "sent_at"])

    def note_error(self, error: BaseException, *, final: bool) -> None:
        """Note why it did not arrive; `final` when nobody tries again."""
        self.error = f"{type(error).__name__}: {error}"[:MAX_ERROR]
        self.status = self.Status.FAILED if final else self.Status.QUEUED
        self.save(update_fields=["status", "error"])


class Mail(models.Model):
    """One mail, however often its activity is tried. `key` says which; `sent_at` when the mail server had taken it."""

    key = models.CharField(max_length=330, unique=True)
    recipient = models.EmailField()
    subject = models.CharField(max_length=255)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.subject} → {self.recipient}"

    @property
    def message_id(self) -> str:
        """The same for every attempt, so that a mail server or reader that looks at it can drop a repetition."""
        digest = salted_hmac("mail", f"{self.pk}:{self.key}", algorithm="sha256").hexdigest()
        return f"<{digest}@{settings.SITE_DOMAIN}>"

    def send(self, *, body: str, from_email: str | None, attachments: Sequence[tuple[str, bytes, str]] = ()) -> None:
        """Hand the mail to the mail server and record that it was taken. Raises what the mail backend raises."""
        # Mail services make their own: MailerSend refuses it from most customers.
        own = settings.MAILERS["default"]["BACKEND"].startswith("anymail.")
        headers = {} if own else {"Message-ID": self.message_id}
        message = EmailMessage(self.subject, body, from_email, [self.recipient], headers=headers, attachments=attachments)
        message.send()
        self.sent_at = timezone.now()
        self.save(update_fields=["sent_at"])
