"""The ledger of mails: what was sent, so that it is not sent again."""

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import models
from django.utils import timezone
from django.utils.crypto import salted_hmac


class Mail(models.Model):
    """One mail, however often its activity is tried. `key` says which; `sent_at` when the mail server had taken it."""

    key = models.CharField(max_length=300, unique=True)
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
        return f"<{salted_hmac('mail', self.key, algorithm='sha256').hexdigest()}@{settings.SITE_DOMAIN}>"

    def send(self, *, body: str, from_email: str | None) -> None:
        """Hand the mail to the mail server and record that it was taken. Raises what the mail backend raises."""
        message = EmailMessage(self.subject, body, from_email, [self.recipient], headers={"Message-ID": self.message_id})
        message.send()
        self.sent_at = timezone.now()
        self.save(update_fields=["sent_at"])
