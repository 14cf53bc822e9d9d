"""The thread of a test's activities and the test itself share a connection, and never each other's answers."""

from threading import Event
from typing import Any

import pytest
from django.db.models.sql import compiler

from apps.development import testing
from apps.users.models import User


@pytest.mark.django_db
def test_a_query_has_the_connection_until_its_rows_are_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    User.objects.bulk_create([User(email="ada@example.com")])
    fetch, asks = compiler.cursor_iter, Event()

    def ask() -> User:
        asks.set()
        return User.objects.get()

    with testing._sharing_connections() as executor:

        def fetch_late(*args: Any) -> Any:
            monkeypatch.setattr(compiler, "cursor_iter", fetch)
            asked.append(executor.submit(ask))
            assert asks.wait(testing.PATIENCE)
            with pytest.raises(TimeoutError):
                asked[0].result(0.1)
            return fetch(*args)

        asked: list[Any] = []
        monkeypatch.setattr(compiler, "cursor_iter", fetch_late)

        assert list(User.objects.all()) == [asked[0].result(testing.PATIENCE)]
