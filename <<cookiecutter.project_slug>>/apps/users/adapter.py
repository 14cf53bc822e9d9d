"""Our side of django-allauth: what a sign-up asks for beyond address and password."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django import forms
from django.http import HttpRequest

from apps.users.models import User


class SignupForm(forms.Form):
    """Fields that allauth puts before its own."""

    name = forms.CharField(max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    field_order = ("name", "email", "password1", "password2")

    def signup(self, request: HttpRequest, user: User) -> None:
        """Required by allauth; the adapter has stored the name already."""


class AccountAdapter(DefaultAccountAdapter):
    """Stores the name with the account itself: what listens for new accounts must see it."""

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """Create the account from the sign-up form."""
        user.name = form.cleaned_data.get("name", "")
        saved: User = super().save_user(request, user, form, commit)
        return saved
