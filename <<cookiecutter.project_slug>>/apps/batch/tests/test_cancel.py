"""A cancel stops a batch soon, and between two chunks."""

from collections.abc import Sequence
from threading import Event

import pytest
from temporalio import activity
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError

from apps.batch.actions import ACTIONS, RowAction
from apps.batch.models import Batch
from apps.batch.shared import WORKFLOW, BatchProcessingWorkflowInput
from apps.batch.tests.people import make_users
from apps.development.testing import PATIENCE, Temporal
from apps.users.models import User
from tests.installation import wait_until

# In seconds: less than the 24 for which the SDK would hold back a heartbeat by itself, more than a machine stands still.
SOON = 20.0


def test_a_cancelled_batch_stops_soon_and_records_what_was_done(temporal: Temporal, monkeypatch: pytest.MonkeyPatch) -> None:
    users = make_users(20)
    pks = [user.pk for user in users]
    under_way, asked = Event(), Event()
    begun: list[int] = []

    def take_some_time(rows: Sequence[User]) -> dict[int, str]:
        begun.append(rows[0].pk)
        # Not the first chunk: the first heartbeat is sent at once, later ones are held back for a while.
        if rows[0].pk == users[4].pk:
            under_way.set()
            assert asked.wait(PATIENCE)
        # The answer to the heartbeat after the chunk before tells of the cancel, if that to an earlier one did not.
        if rows[0].pk == users[5].pk:
            activity.wait_for_cancelled_sync(SOON)
        return {}

    monkeypatch.setitem(ACTIONS, "slow", RowAction(model="users.User", apply=take_some_time, chunk_size=1))
    wanted = BatchProcessingWorkflowInput(batch_id="cancelled", user_ids=pks, action="slow")
    handle = temporal.start(WORKFLOW, wanted)
    assert under_way.wait(PATIENCE)
    temporal.run(handle.cancel())

    def activity_is_to_stop() -> bool:
        (found,) = temporal.run(handle.describe()).raw_description.pending_activities
        return found.state == PendingActivityState.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED

    wait_until(activity_is_to_stop, seconds=PATIENCE)
    asked.set()
    with pytest.raises(WorkflowFailureError) as caught:
        temporal.run(handle.result())

    batch = Batch.objects.get()
    assert isinstance(caught.value.cause, CancelledError)
    assert batch.status == "canceled"
    assert batch.finished_at is not None
    assert begun in (pks[:5], pks[:6])
    assert batch.counts() == {"succeeded": len(begun), "failed": 0}
