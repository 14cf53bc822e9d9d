"""Rows written back by the batch: the values of each, all at once, and nothing of a row that was refused."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DataError, connection
from django.test.utils import CaptureQueriesContext
from temporalio.testing import ActivityEnvironment

from apps.batch.actions import ACTIONS, RowAction
from apps.batch.activities import process_range
from apps.batch.models import Batch
from apps.batch.shared import Failure, RangeInput, RangeResult, RowQuery
from apps.batch.tests.people import make_users
from apps.batch.writes import write_back
from apps.users.models import User

pytestmark = pytest.mark.django_db
MORNING = datetime(2026, 1, 1, 8, tzinfo=UTC)
ON_POSTGRESQL = connection.vendor == "postgresql"


def test_each_row_gets_its_own_values() -> None:
    users = make_users(3)
    for number, user in enumerate(users):
        user.name, user.is_active = f"O'Neill {number}, {{}}", number != 1
        user.profile_checked_at = MORNING + timedelta(hours=number) if number else None
        user.email = "not among the fields"

    write_back(users[:2], ["name", "is_active", "profile_checked_at"])

    stored = list(User.objects.order_by("pk").values_list("name", "is_active", "profile_checked_at", "email"))
    assert stored == [
        ("O'Neill 0, {}", True, None, "user-0@example.com"),
        ("O'Neill 1, {}", False, MORNING + timedelta(hours=1), "user-1@example.com"),
        ("User 2", True, None, "user-2@example.com"),
    ]


def test_no_rows_are_no_query() -> None:
    with CaptureQueriesContext(connection) as queries:
        write_back([], ["name"])

    assert len(queries) == 0


def test_a_chunk_is_one_statement_and_on_postgresql_one_from_arrays() -> None:
    users = make_users(50)

    with CaptureQueriesContext(connection) as queries:
        write_back(users, ["name", "email"])

    (statement,) = (query["sql"] for query in queries if query["sql"].startswith("UPDATE"))
    assert ("unnest" in statement) == ON_POSTGRESQL


def test_a_value_that_is_too_long_for_its_column_is_not_cut() -> None:
    (user,) = make_users(1)
    user.name = "x" * 151

    with pytest.raises(DataError) if ON_POSTGRESQL else nullcontext():
        write_back([user], ["name"])
        user.refresh_from_db()

    assert len(user.name) == 151


def test_a_batch_writes_back_the_rows_that_were_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    users = make_users(5)

    def rename(rows: Sequence[User]) -> Mapping[int, str]:
        for row in rows:
            row.name = f"New {row.pk}"
            if row.pk == users[3].pk:
                raise LookupError("nobody foresaw this")
        return {row.pk: "no" for row in rows if row.pk == users[1].pk}

    monkeypatch.setitem(ACTIONS, "rename", RowAction(model="users.User", apply=rename, writes=["name"], chunk_size=3))
    batch = Batch.objects.create(batch_id="b", action="rename")
    wanted = RangeInput(batch_id="b", number=0, rows=RowQuery(model="users.User"), upto=users[-1].pk)

    assert ActivityEnvironment().run(process_range, wanted) == RangeResult(succeeded=3, failed=2)
    assert batch.sample_of_failures(9) == [
        Failure(row=str(users[1].pk), reason="no"),
        Failure(row=str(users[3].pk), reason="LookupError: nobody foresaw this"),
    ]
    names = list(User.objects.order_by("pk").values_list("name", flat=True))
    new = [f"New {user.pk}" for user in users]
    assert names == [new[0], "User 1", new[2], "User 3", new[4]]
