"""The batch's activities alone: every row once, a bad one listed, whatever happens in between."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain

import pytest
from django.db import IntegrityError, OperationalError
from django.db.models import QuerySet, Value
from django.db.models.functions import Concat, Upper
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.testing import ActivityEnvironment

from apps.batch import activities
from apps.batch.actions import ACTIONS, RowAction
from apps.batch.activities import close_batch, open_batch, plan_ranges, process_range
from apps.batch.models import Batch, BatchFailure, BatchRange
from apps.batch.shared import CloseBatchInput, Failure, OpenBatchInput, PlanInput, RangeInput, RangeResult, RowQuery
from apps.batch.tests.people import make_users
from apps.users.models import User

pytestmark = pytest.mark.django_db
ALL = RowQuery(model="users.User")


class Recorder:
    """An action, three rows a chunk, that notes the rows of each call and then does as `behave` says."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.behave: Callable[[Sequence[User]], Mapping[int, str]] = lambda _: {}

    def __call__(self, rows: Sequence[User]) -> Mapping[int, str]:
        self.calls.append([row.pk for row in rows])
        return self.behave(rows)


@pytest.fixture
def action(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()
    monkeypatch.setitem(ACTIONS, "recorded", RowAction(model="users.User", apply=recorder, chunk_size=3))
    return recorder


@pytest.fixture
def batch(db: None) -> Batch:
    return Batch.objects.create(batch_id="b", action="recorded")


def process(users: Sequence[User], environment: ActivityEnvironment | None = None) -> RangeResult:
    """Process those accounts as one range."""
    wanted = RangeInput(batch_id="b", number=0, user_ids=[user.pk for user in users])
    return (environment or ActivityEnvironment()).run(process_range, wanted)


def pks(users: Sequence[User]) -> list[int]:
    return [user.pk for user in users]


def test_a_range_is_done_chunk_by_chunk_and_each_one_is_reported(batch: Batch, action: Recorder) -> None:
    users = make_users(7)
    environment, beats = ActivityEnvironment(), list[int]()
    environment.on_heartbeat = beats.append

    result = process(users, environment)

    assert result == RangeResult(succeeded=7, failed=0)
    assert action.calls == [pks(users[:3]), pks(users[3:6]), pks(users[6:])]
    assert beats == [users[2].pk, users[5].pk]


def test_a_range_run_twice_does_its_rows_once(batch: Batch, action: Recorder) -> None:
    users = make_users(7)

    first, second = process(users), process(users)

    assert first == second == RangeResult(succeeded=7, failed=0)
    assert list(chain.from_iterable(action.calls)) == pks(users)


def test_an_attempt_after_a_crash_goes_on_where_the_last_chunk_was_committed(batch: Batch, action: Recorder) -> None:
    users = make_users(7)

    def lose_database(rows: Sequence[User]) -> Mapping[int, str]:
        if rows[0].pk == users[3].pk:
            raise OperationalError("the database went away")
        return {}

    action.behave = lose_database
    with pytest.raises(OperationalError):
        process(users)
    action.calls.clear()
    action.behave = lambda _: {}

    assert process(users) == RangeResult(succeeded=7, failed=0)
    assert action.calls == [pks(users[3:6]), pks(users[6:])]


def test_a_chunk_that_raises_is_done_row_by_row_and_only_the_bad_row_is_listed(batch: Batch, action: Recorder) -> None:
    users = make_users(6)

    def stumble(rows: Sequence[User]) -> Mapping[int, str]:
        if users[1] in rows:
            raise LookupError("nobody foresaw this")
        return {}

    action.behave = stumble

    assert process(users) == RangeResult(succeeded=5, failed=1)
    assert action.calls == [pks(users[:3]), *([user.pk] for user in users[:3]), pks(users[3:])]
    assert batch.sample_of_failures(9) == [Failure(row=str(users[1].pk), reason="LookupError: nobody foresaw this")]


def test_a_row_that_the_database_refuses_takes_nothing_with_it(batch: Batch, action: Recorder) -> None:
    users, taken = make_users(3), User.objects.create_user("taken@example.com").email

    def rename(rows: Sequence[User]) -> Mapping[int, str]:
        for row in rows:
            User.objects.filter(pk=row.pk).update(email=taken if row.pk == users[1].pk else f"new-{row.pk}@example.com")
        return {}

    action.behave = rename

    assert process(users) == RangeResult(succeeded=2, failed=1)
    assert BatchFailure.objects.get().reason.startswith(IntegrityError.__name__)
    names = dict(User.objects.values_list("pk", "email"))
    assert [names[user.pk].split("@")[0] for user in users] == [f"new-{users[0].pk}", "user-1", f"new-{users[2].pk}"]


def test_rows_that_the_action_refuses_and_rows_that_are_gone_are_listed(batch: Batch, action: Recorder) -> None:
    users = make_users(4)
    User.objects.filter(pk=users[0].pk).delete()
    action.behave = lambda rows: {row.pk: "x" * 600 for row in rows if row.pk == users[3].pk}

    assert process(users) == RangeResult(succeeded=2, failed=2)
    assert batch.sample_of_failures(9) == [
        Failure(row=str(users[0].pk), reason="there is no such row"),
        Failure(row=str(users[3].pk), reason="x" * 500),
    ]


@pytest.mark.parametrize("described", [True, False])
def test_a_set_based_action_is_given_a_queryset_of_the_rows_that_there_are(
    batch: Batch, monkeypatch: pytest.MonkeyPatch, described: bool
) -> None:
    given: list[QuerySet[User]] = []

    def upper(rows: QuerySet[User]) -> Mapping[int, str]:
        given.append(rows)
        assert rows.update(name=Upper("name")) == 2
        return {}

    monkeypatch.setitem(ACTIONS, "recorded", RowAction(model="users.User", apply=upper, set_based=True, chunk_size=2))
    users = make_users(5)
    User.objects.filter(pk=users[4].pk).delete()
    ids = [] if described else pks(users)
    wanted = RangeInput(batch_id="b", number=0, rows=ALL if described else None, upto=users[4].pk, user_ids=ids)

    result = ActivityEnvironment().run(process_range, wanted)

    assert result == RangeResult(succeeded=4, failed=0 if described else 1)
    assert [rows._result_cache for rows in given] == [None, None]
    assert {*User.objects.values_list("name", flat=True)} == {user.name.upper() for user in users[:4]}


def test_a_set_based_action_that_raises_is_done_row_by_row(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    users, taken = make_users(3), User.objects.create_user("taken@example.com").email

    def rename(rows: QuerySet[User]) -> Mapping[int, str]:
        rows.update(email=taken if rows.filter(pk=users[1].pk) else Concat(Value("new-"), "email"))
        return {}

    monkeypatch.setitem(ACTIONS, "recorded", RowAction(model="users.User", apply=rename, set_based=True))

    assert process(users) == RangeResult(succeeded=2, failed=1)
    assert BatchFailure.objects.get().row == str(users[1].pk)
    assert User.objects.filter(email__startswith="new-").count() == 2


def test_a_cancel_lets_the_chunk_at_work_finish_and_begins_no_other(batch: Batch, action: Recorder) -> None:
    users = make_users(7)
    environment = ActivityEnvironment()

    def cancel(_: Sequence[User]) -> Mapping[int, str]:
        environment.cancel()
        return {}

    action.behave = cancel
    with pytest.raises(CancelledError):
        process(users, environment)

    assert action.calls == [pks(users[:3])]
    assert batch.counts() == {"succeeded": 3, "failed": 0}


def test_a_described_range_has_the_rows_after_one_key_up_to_another(batch: Batch, action: Recorder) -> None:
    users = make_users(8)
    wanted = RangeInput(batch_id="b", number=4, rows=ALL, after=users[1].pk, upto=users[5].pk)

    result = ActivityEnvironment().run(process_range, wanted)

    assert result == RangeResult(succeeded=4, failed=0)
    assert list(chain.from_iterable(action.calls)) == pks(users[2:6])
    assert BatchRange.objects.get().number == 4


def test_ranges_are_planned_to_the_last_row_in_several_plans(monkeypatch: pytest.MonkeyPatch) -> None:
    users = make_users(8)
    monkeypatch.setattr(activities, "RANGE_SIZE", 3)
    monkeypatch.setattr(activities, "PLAN_SIZE", 2)

    first = ActivityEnvironment().run(plan_ranges, PlanInput(rows=ALL, after=None))
    second = ActivityEnvironment().run(plan_ranges, PlanInput(rows=ALL, after=first.bounds[-1]))

    assert (first.bounds, first.complete) == ([users[2].pk, users[5].pk], False)
    assert (second.bounds, second.complete) == ([users[7].pk], True)


def test_a_plan_that_ends_with_the_last_row_knows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    users = make_users(6)
    monkeypatch.setattr(activities, "RANGE_SIZE", 3)

    plan = ActivityEnvironment().run(plan_ranges, PlanInput(rows=ALL, after=None))

    assert (plan.bounds, plan.complete) == ([users[2].pk, users[5].pk], True)


def test_a_batch_is_opened_once_and_counts_its_rows(action: Recorder) -> None:
    make_users(5)
    wanted = OpenBatchInput(batch_id="opened", action="recorded", rows=ALL, user_count=0)

    first, second = (ActivityEnvironment().run(open_batch, wanted) for _ in range(2))

    assert (first, second) == (5, 5)
    assert Batch.objects.values_list("batch_id", "status", "total", "action").get() == ("opened", "running", 5, "recorded")


@pytest.mark.parametrize(
    ("name", "rows", "said"),
    [
        ("no_such", None, "There is no action 'no_such'"),
        ("check_profile", RowQuery(model="users.ApiToken"), "works on users.User"),
        ("check_profile", RowQuery(model="users.User", filter={"groups__name": "x"}), "choose a plain field"),
        ("check_profile", RowQuery(model="users.User", filter={"profile_checked_at__isnull": "maybe"}), "cannot be used"),
        ("check_profile", RowQuery(model="users.User", filter={"email__regex": "("}), "cannot be used"),
        (
            "check_profile",
            RowQuery(model="users.User", filter={"date_joined__lt": "2001-01-01T00:00Z", "email__regex": "("}),
            "cannot be used",
        ),
    ],
    ids=["action", "model", "relation", "value", "pattern", "pattern-that-the-first-row-does-not-meet"],
)
def test_a_batch_that_cannot_be_is_final(name: str, rows: RowQuery | None, said: str) -> None:
    new, _ = make_users(2)
    User.objects.exclude(pk=new.pk).update(date_joined=datetime(2000, 1, 1, tzinfo=UTC))
    wanted = OpenBatchInput(batch_id="impossible", action=name, rows=rows, user_count=0)

    with pytest.raises(ApplicationError, match=said) as caught:
        ActivityEnvironment().run(open_batch, wanted)

    assert (caught.value.type, caught.value.non_retryable) == ("InvalidBatch", True)
    assert not Batch.objects.exists()


def test_the_end_of_a_batch_is_recorded_once_with_a_sample_of_its_failures(batch: Batch) -> None:
    BatchRange.objects.create(batch=batch, number=0, succeeded=5, failed=12)
    batch.record_failures({n: f"reason {n}" for n in range(12)})

    first = ActivityEnvironment().run(close_batch, CloseBatchInput(batch_id="b", status="completed"))
    second = ActivityEnvironment().run(close_batch, CloseBatchInput(batch_id="b", status="failed"))

    batch.refresh_from_db()
    assert first == second
    assert (first.succeeded, first.failed, len(first.failures)) == (5, 12, 10)
    assert batch.status == "completed"
    assert batch.finished_at is not None


def test_a_batch_that_ended_before_it_was_opened_has_no_figures() -> None:
    closed = ActivityEnvironment().run(close_batch, CloseBatchInput(batch_id="never-opened", status="failed"))

    assert (closed.succeeded, closed.failed, closed.failures) == (0, 0, [])
