"""Fixtures of the tests that see the whole project."""

import pytest
from django.test import Client

from apps.temporal import client
from apps.users.models import User


@pytest.fixture
def ada(db: None) -> User:
    """An ordinary account."""
    return User.objects.create_user("ada@example.com", name="Ada")


@pytest.fixture
def ada_client(ada: User) -> Client:
    """A browser in which she is signed in."""
    client = Client()
    client.force_login(ada)
    return client


@pytest.fixture
def temporal_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Temporal answers."""
    monkeypatch.setattr(client, "health", lambda _timeout: "")


@pytest.fixture
def temporal_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """Temporal does not answer."""
    monkeypatch.setattr(client, "health", lambda _timeout: "Temporal at temporal:7233 cannot be used: check TEMPORAL_ADDRESS.")
