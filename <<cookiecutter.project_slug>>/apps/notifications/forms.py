"""What people choose about notifications."""

from typing import Any

from django import forms

from apps.executions.models import VIEW
from apps.notifications import services
from apps.notifications.models import Contact
from apps.notifications.webhooks import WebhookRefused
from apps.users.models import User


class ContactForm(forms.Form):
    """How an account is told of executions, beside its e-mail address."""

    webhook_url = forms.CharField(
        label="Webhook",
        required=False,
        max_length=500,
        widget=forms.URLInput(attrs={"inputmode": "url", "autocomplete": "off"}),
        help_text="Where messages are sent to as signed JSON. Leave it empty for none.",
    )
    follows_all = forms.BooleanField(
        label="Also tell me of the executions of others",
        required=False,
    )

    def __init__(self, user: User, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.user = user
        if not user.has_perm(f"executions.{VIEW}"):
            del self.fields["follows_all"]

    def save(self) -> Contact | None:
        """Store it, or say in `errors` why not."""
        chosen = {"webhook_url": self.cleaned_data["webhook_url"], "follows_all": self.cleaned_data.get("follows_all", False)}
        try:
            return services.set_contact(user=self.user, **chosen)
        except WebhookRefused as error:
            self.add_error("webhook_url", str(error))
            return None
