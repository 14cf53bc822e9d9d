"""A cancel stops a batch soon, and between two chunks."""

from collections.abc import Sequence
from threading import Event

import pytest
from temporalio import activity
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError

from apps.batch.actions import ACTIONS, RowAction
from apps.batch.models import Batch
from apps.batch.shared import WORKFLOW, BatchProcessingWorkflowInput
from apps.batch.tests.people import make_users
from apps.development.testing import PATIENCE, Temporal
from apps.users.models import User

# In seconds: less than the 24 for which the SDK would hold back a heartbeat by itself, more than a machine stands still.
SOON = 20.0


def test_a_cancelled_batch_stops_soon_and_records_what_was_done(temporal: Temporal, monkeypatch: pytest.MonkeyPatch) -> None:
    users = make_users(20)
    under_way, asked = Event(), Event()

    def take_some_time(rows: Sequence[User]) -> dict[int, str]:
        # Not the first chunk: the first heartbeat is sent at once, later ones are held back for a while.
        if rows[0].pk == users[4].pk:
            under_way.set()
            assert asked.wait(PATIENCE)
        # The answer to the heartbeat after the chunk before tells of the cancel.
        if rows[0].pk == users[5].pk:
            activity.wait_for_cancelled_sync(SOON)
        return {}

    monkeypatch.setitem(ACTIONS, "slow", RowAction(model="users.User", apply=take_some_time, chunk_size=1))
    wanted = BatchProcessingWorkflowInput(batch_id="cancelled", user_ids=[user.pk for user in users], action="slow")
    handle = temporal.start(WORKFLOW, wanted)
    assert under_way.wait(PATIENCE)
    temporal.run(handle.cancel())
    asked.set()
    with pytest.raises(WorkflowFailureError) as caught:
        temporal.run(handle.result())

    batch = Batch.objects.get()
    assert isinstance(caught.value.cause, CancelledError)
    assert batch.status == "canceled"
    assert batch.finished_at is not None
    assert batch.counts() == {"succeeded": 6, "failed": 0}
