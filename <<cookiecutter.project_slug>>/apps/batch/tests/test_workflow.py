"""The batch workflow against a real server."""

import pytest
from temporalio.client import WorkflowFailureError

from apps.batch import activities
from apps.batch.models import Batch, BatchRange
from apps.batch.shared import WORKFLOW, BatchProcessingWorkflowInput, BatchProgress, BatchResult, Failure, RowQuery
from apps.development.testing import Temporal
from apps.executions import buffer
from apps.executions.models import TaskExecution
from apps.users.models import User


def make_users(number: int, *, bad_every: int = 0) -> list[User]:
    return User.objects.bulk_create(
        User(email=f"broken-{n}" if bad_every and n % bad_every == 0 else f"user-{n}@example.com", name=f"User {n}")
        for n in range(1, number + 1)
    )


def test_listed_accounts_are_processed_and_bad_ones_listed(temporal: Temporal) -> None:
    users = make_users(30, bad_every=10)
    ids = [user.pk for user in users]

    result = temporal.execute(WORKFLOW, BatchProcessingWorkflowInput(batch_id="listed", user_ids=[*ids, ids[0], 10**6]))

    assert isinstance(result, BatchResult)
    assert (result.batch_id, result.total, result.succeeded, result.failed) == ("listed", 31, 27, 4)
    assert result.failures[0] == Failure(row=str(ids[9]), reason="'broken-10' is not an e-mail address")
    assert result.failures[-1] == Failure(row="1000000", reason="there is no such row")
    assert User.objects.exclude(profile_checked_at=None).count() == 27
    assert Batch.objects.get().status == "completed"


def test_described_rows_are_processed_in_ranges_and_chunks(temporal: Temporal, monkeypatch: pytest.MonkeyPatch) -> None:
    make_users(2_500)
    monkeypatch.setattr(activities, "RANGE_SIZE", 1_100)
    rows = RowQuery(model="users.User", filter={"profile_checked_at__isnull": True})

    result = temporal.execute(WORKFLOW, BatchProcessingWorkflowInput(batch_id="described", rows=rows))

    assert (result.total, result.succeeded, result.failed, result.failures) == (2_500, 2_500, 0, [])
    assert list(BatchRange.objects.order_by("number").values_list("succeeded", flat=True)) == [1_100, 1_100, 300]
    buffer.flush()
    tasks = TaskExecution.objects.filter(name__startswith="process_range").values_list("name", flat=True)
    assert sorted(tasks) == [f"process_range, part {number}" for number in (1, 2, 3)]
    assert not User.objects.filter(profile_checked_at=None).exists()


def test_an_empty_batch_completes(temporal: Temporal) -> None:
    result = temporal.execute(WORKFLOW, BatchProcessingWorkflowInput(batch_id="empty", rows=RowQuery(model="users.User")))

    assert (result.total, result.succeeded, result.failed) == (0, 0, 0)


def test_progress_can_be_asked_for_after_the_end(temporal: Temporal) -> None:
    users = make_users(3)
    handle = temporal.start(WORKFLOW, BatchProcessingWorkflowInput(batch_id="asked", user_ids=[user.pk for user in users]))
    temporal.run(handle.result())

    progress = temporal.run(handle.query("progress", result_type=BatchProgress))

    assert progress == BatchProgress(total=3, succeeded=3, failed=0, ranges_in_flight=0)


def test_plain_json_from_outside_starts_a_batch(temporal: Temporal) -> None:
    (user,) = make_users(1)
    plain = {"batch_id": "plain", "user_ids": [user.pk]}

    handle = temporal.run(temporal.client.start_workflow(WORKFLOW, plain, id="batch-plain", task_queue=temporal.task_queue))

    assert temporal.run(handle.result())["succeeded"] == 1


@pytest.mark.parametrize(
    "wanted",
    [
        BatchProcessingWorkflowInput(batch_id="action", user_ids=[1], action="no_such_action"),
        BatchProcessingWorkflowInput(batch_id="model", rows=RowQuery(model="users.Nobody")),
        BatchProcessingWorkflowInput(batch_id="secret", rows=RowQuery(model="users.User", filter={"password__gt": "a"})),
        BatchProcessingWorkflowInput(batch_id="field", rows=RowQuery(model="users.User", filter={"no_such_field": 1})),
    ],
    ids=lambda wanted: wanted.batch_id,
)
def test_a_batch_that_cannot_be_is_final(temporal: Temporal, wanted: BatchProcessingWorkflowInput) -> None:
    with pytest.raises(WorkflowFailureError):
        temporal.execute(WORKFLOW, wanted)


def test_a_long_batch_continues_as_new(temporal: Temporal, monkeypatch: pytest.MonkeyPatch) -> None:
    make_users(600)
    monkeypatch.setattr(activities, "RANGE_SIZE", 10)

    handle = temporal.start(WORKFLOW, BatchProcessingWorkflowInput(batch_id="long", rows=RowQuery(model="users.User")))
    result = temporal.run(handle.result())

    assert (result.total, result.succeeded, result.failed) == (600, 600, 0)
    assert BatchRange.objects.count() == 60
    assert temporal.run(handle.describe()).run_id != handle.first_execution_run_id
