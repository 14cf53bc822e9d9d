"""Sign-up, sign-in, sign-out and passwords, as a browser meets them."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from apps.users.models import User

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


@pytest.fixture
def ada() -> User:
    user = User.objects.create_user("ada@example.com", PASSWORD, name="Ada")
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def sign_up(client: Client, email: str) -> str:
    fields = {"name": "Zoë", "email": email, "password1": PASSWORD, "password2": PASSWORD}
    return client.post("/accounts/signup/", fields, follow=True).content.decode()


def link_in(message: mail.EmailMessage) -> str:
    found = re.search(r"http://testserver(/\S+)", str(message.body))
    assert found is not None
    return found[1]


@pytest.mark.parametrize("address", ["ada@example.com", "ADA@Example.com"])
def test_people_sign_in_with_their_address_in_any_case(ada: User, address: str) -> None:
    client = Client()

    response = client.post("/accounts/login/", {"login": address, "password": PASSWORD})

    assert response.headers["Location"] == "/"
    assert client.session["_auth_user_id"] == str(ada.pk)


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(ada: User) -> None:
    said = [
        Client().post("/accounts/login/", {"login": address, "password": "wrong"}).context["form"].errors
        for address in (ada.email, "nobody@example.com")
    ]

    assert said[0] == said[1]


def test_an_inactive_account_cannot_sign_in(ada: User) -> None:
    User.objects.update(is_active=False)
    client = Client()
    client.post("/accounts/login/", {"login": ada.email, "password": PASSWORD})

    assert "_auth_user_id" not in client.session


def test_too_many_failed_attempts_are_held_up(ada: User) -> None:
    client = Client()
    for _ in range(5):
        client.post("/accounts/login/", {"login": ada.email, "password": "wrong"})

    held_up = client.post("/accounts/login/", {"login": ada.email, "password": PASSWORD})

    assert held_up.status_code == 200
    assert "Too many failed login attempts" in held_up.content.decode()


def test_signing_out_needs_a_click_and_ends_the_session(ada: User) -> None:
    client = Client()
    client.force_login(ada)

    assert client.get("/accounts/logout/").status_code == 200
    assert "_auth_user_id" in client.session
    client.post("/accounts/logout/")
    assert "_auth_user_id" not in client.session


def test_a_new_account_has_its_name_from_the_start_and_is_used_once_its_address_is_verified() -> None:
    client = Client()
    page = sign_up(client, "Zoe@Example.com")
    user = User.objects.get()

    assert (user.email, user.name) == ("zoe@example.com", "Zoë")
    assert "Verify Your Email Address" in page
    assert "_auth_user_id" not in client.session

    client.post(link_in(mail.outbox[0]))
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    assert client.session["_auth_user_id"] == str(user.pk)


def test_signing_up_does_not_tell_whether_an_account_exists(ada: User) -> None:
    new, known = (sign_up(Client(), email) for email in ("new@example.com", ada.email))

    assert re.sub(r"\S+@example.com|csrf\S+ value=\S+", "", new) == re.sub(r"\S+@example.com|csrf\S+ value=\S+", "", known)
    assert User.objects.filter(email=ada.email).count() == 1
    assert [message.to for message in mail.outbox] == [["new@example.com"], ["ada@example.com"]]


def test_a_password_is_reset_by_the_link_in_a_mail(ada: User) -> None:
    client = Client()
    client.post("/accounts/password/reset/", {"email": "ADA@example.com"})
    form = client.get(link_in(mail.outbox[0]), follow=True)
    changed = {"password1": "a whole new one 77", "password2": "a whole new one 77"}
    client.post(form.redirect_chain[-1][0], changed)

    ada.refresh_from_db()
    assert ada.check_password("a whole new one 77")
    assert client.get(link_in(mail.outbox[0]), follow=True).context["token_fail"]


def test_asking_for_a_reset_does_not_tell_whether_an_account_exists(ada: User) -> None:
    answers = [
        Client().post("/accounts/password/reset/", {"email": email}, follow=True).redirect_chain
        for email in (ada.email, "nobody@example.com")
    ]

    assert answers[0] == answers[1] == [("/accounts/password/reset/done/", 302)]


def test_mails_name_the_site_and_not_the_host(ada: User) -> None:
    Client().post("/accounts/password/reset/", {"email": ada.email})

    assert "Hello from testserver" not in str(mail.outbox[0].body)
    assert not mail.outbox[0].subject.startswith("[")


def test_the_help_of_passwords_is_a_list_and_a_link() -> None:
    browser = Client()

    assert "<ul><li>Your password" in browser.get("/accounts/signup/").content.decode()
    assert '_helptext"><a href="/accounts/password/reset/">' in browser.get("/accounts/login/").content.decode()
