"""API tokens: made once, kept as a hash, refused when they should be."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from apps.users.models import ApiToken, User
from apps.users.services import create_token

pytestmark = pytest.mark.django_db

ME = "/api/v1/me"


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada@example.com", name="Ada")


def ask(token: str) -> int:
    return Client().get(ME, headers={"Authorization": f"Bearer {token}"}).status_code


def test_a_token_acts_as_its_account(ada: User) -> None:
    response = Client().get(ME, headers={"Authorization": f"Bearer {create_token(user=ada, name='test')}"})

    assert response.json() == {"id": ada.pk, "email": "ada@example.com", "name": "Ada", "is_staff": False}


def test_a_token_is_not_stored(ada: User) -> None:
    token = create_token(user=ada, name="test")

    assert len(token) >= 43
    assert token not in str(ApiToken.objects.values().get())


def test_a_token_is_refused_once_it_is_expired_revoked_or_its_account_inactive(ada: User) -> None:
    expired = create_token(user=ada, name="old", lifetime=timedelta(seconds=-1))
    revoked, token = (create_token(user=ada, name=name) for name in ("revoked", "good"))
    ApiToken.objects.get(name="revoked").delete()

    assert (ask(expired), ask(revoked), ask(token), ask("made-up"), ask("")) == (401, 401, 200, 401, 401)
    User.objects.update(is_active=False)
    assert ask(token) == 401


def test_a_token_that_does_not_work_does_not_fall_back_to_the_session(ada: User) -> None:
    client = Client()
    client.force_login(ada)

    assert client.get(ME).status_code == 200
    assert client.get(ME, headers={"Authorization": "Bearer made-up"}).status_code == 401


def test_its_use_is_noted_at_most_once_a_minute(ada: User) -> None:
    token = create_token(user=ada, name="test")
    ask(token)
    first = ApiToken.objects.get().last_used_at
    ask(token)

    assert first is not None
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    ask(token)
    assert ApiToken.objects.filter(last_used_at__gt=first).exists()


def test_createtoken_prints_a_token_that_works(ada: User) -> None:
    output = StringIO()
    call_command("createtoken", "Ada@example.com", "--name", "nightly", "--days", "7", stdout=output)

    assert ask(output.getvalue().strip()) == 200
    token = ApiToken.objects.get(name="nightly")
    assert token.expires_at is not None
    assert timedelta(days=6) < token.expires_at - timezone.now() <= timedelta(days=7)


@pytest.mark.parametrize(
    ("arguments", "said"), [(["bob@example.com"], "bob@example.com"), (["ada@example.com", "--days", "0"], "--days 0")]
)
def test_createtoken_says_what_is_wrong(ada: User, arguments: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("createtoken", *arguments)


def test_the_admin_lists_tokens_and_shows_neither_token_nor_hash(ada: User, admin_client: Client) -> None:
    token = create_token(user=ada, name="nightly")
    stored = ApiToken.objects.get()

    pages = [admin_client.get(f"/admin/users/apitoken/{path}").content.decode() for path in ("", f"{stored.pk}/change/")]

    assert all("nightly" in page and token not in page and stored.digest not in page for page in pages)


def test_deleting_a_token_in_the_admin_revokes_it(ada: User, admin_client: Client) -> None:
    token = create_token(user=ada, name="nightly")
    admin_client.post(f"/admin/users/apitoken/{ApiToken.objects.get().pk}/delete/", {"post": "yes"})

    assert ask(token) == 401
