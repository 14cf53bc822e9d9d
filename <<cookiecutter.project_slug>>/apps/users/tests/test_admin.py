"""Accounts in the admin."""

import pytest
from django.test import Client

from apps.users.models import User

pytestmark = pytest.mark.django_db


def test_an_account_is_added_by_address(admin_client: Client) -> None:
    fields = {"email": "Ada@Example.com", "name": "Ada", "usable_password": "false"}
    admin_client.post("/admin/users/user/add/", fields)

    added = User.objects.get(email="ada@example.com")
    assert (added.name, added.has_usable_password()) == ("Ada", False)


def test_an_address_that_is_taken_is_refused_in_any_case(admin_client: Client) -> None:
    User.objects.create_user("ada@example.com")

    page = admin_client.post("/admin/users/user/add/", {"email": "ADA@example.com", "usable_password": "false"})

    assert "already exists" in page.content.decode()


def test_accounts_are_found_by_address_and_name(admin_client: Client) -> None:
    User.objects.create_user("ada@example.com", name="Countess")

    for words in ("ADA@", "countess"):
        assert "ada@example.com" in admin_client.get("/admin/users/user/", {"q": words}).content.decode()


def test_the_admin_asks_strangers_to_sign_in_on_the_site_and_refuses_others() -> None:
    client = Client()
    assert client.get("/admin/", follow=True).redirect_chain[-1][0].startswith("/accounts/login/?next=")

    client.force_login(User.objects.create_user("ada@example.com"))
    assert client.get("/admin/", follow=True).status_code == 403
