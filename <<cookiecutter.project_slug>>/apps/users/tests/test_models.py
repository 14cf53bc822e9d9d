"""Accounts: their addresses and how they are made."""

import pytest
from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from apps.users.models import User

pytestmark = pytest.mark.django_db


def test_an_address_is_kept_in_lower_case_however_the_account_is_made() -> None:
    made = User.objects.create_user(" Ada@Example.COM ", name="Ada")
    User.objects.bulk_create([User(email="Bob@Example.com")])

    assert made.email == "ada@example.com"
    assert User.objects.filter(email="BOB@example.com").values_list("email", flat=True).get() == "bob@example.com"


def test_two_accounts_cannot_differ_in_case_alone() -> None:
    User.objects.create_user("ada@example.com")

    with pytest.raises(ValidationError, match="already exists"):
        User(email="ADA@example.com", password="x").full_clean()
    with pytest.raises(IntegrityError):
        User.objects.create_user("ADA@example.com")


def test_an_account_needs_an_address() -> None:
    with pytest.raises(ValueError, match="e-mail address"):
        User.objects.create_user("")


def test_an_account_without_a_password_cannot_sign_in() -> None:
    assert not User.objects.create_user("ada@example.com").has_usable_password()


def test_a_superuser_may_do_everything_and_has_a_verified_address() -> None:
    root = User.objects.create_superuser("Root@example.com", "secret")

    assert root.has_perm("users.delete_user")
    assert EmailAddress.objects.get(user=root).verified


def test_an_account_is_called_by_its_name_or_else_by_its_address() -> None:
    assert User(email="ada@example.com", name="Ada").get_full_name() == "Ada"
    assert User(email="ada@example.com").get_short_name() == "ada@example.com"
