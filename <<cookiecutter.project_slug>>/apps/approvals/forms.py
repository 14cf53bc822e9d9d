"""What people fill in to answer."""

from typing import Any

from django import forms

from apps.approvals.models import PeopleRequest
from apps.approvals.services import MAX_COMMENT


def _text(label: str) -> forms.CharField:
    return forms.CharField(label=label, required=False, max_length=MAX_COMMENT, widget=forms.Textarea(attrs={"rows": 3}))


class DecisionForm(forms.Form):
    """A decision: its two buttons are named `decision`."""

    decision = forms.CharField(widget=forms.HiddenInput)
    comment = _text("Comment")


class SigningForm(DecisionForm):
    """A signature: who signs types the own name and says that this is one. Who declines need not."""

    signed_name = forms.CharField(label="Your full name", max_length=150, required=False)
    consent = forms.BooleanField(label="I have read what I sign, and this is my signature.", required=False)
    field_order = ("signed_name", "consent", "comment")

    def clean(self) -> dict[str, Any]:
        """Name and consent are needed to sign."""
        given = super().clean() or {}
        if given.get("decision") == PeopleRequest.Status.SIGNED:
            for field in ("signed_name", "consent"):
                if not given.get(field):
                    self.add_error(field, "This is needed to sign.")
        return given


class DelegationForm(forms.Form):
    """To whom the decision is handed."""

    email = forms.EmailField(label="E-mail address")
    comment = _text("Why")
