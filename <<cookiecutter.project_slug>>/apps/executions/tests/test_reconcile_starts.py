"""Rows of executions whose start the server has not seen when it is asked."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from apps.executions import reconcile, services
from apps.executions.models import Execution
from apps.executions.reconcile import Seen
from apps.executions.tests.rows import execution
from apps.temporal.models import OutboxMessage

pytestmark = pytest.mark.django_db
HOUR_AGO = timedelta(hours=1)


def unknown(row: Execution) -> Execution:
    """After a look an hour later that did not find it."""
    Execution.objects.filter(pk=row.pk).update(updated_at=timezone.now() - HOUR_AGO)
    reconcile.mend(Seen(row.temporal_workflow_id, "", "", "", None))
    row.refresh_from_db()
    return row


@pytest.mark.parametrize(("parent", "child"), [("running", "pending"), ("paused", "pending"), ("failed", "failed")])
def test_a_child_waits_for_its_parent_as_long_as_that_is_under_way(parent: str, child: str) -> None:
    above = execution(parent)
    row = execution("pending", start_requested_at=timezone.now(), trigger_ref=above.temporal_workflow_id)

    assert unknown(row).status == child


@pytest.mark.parametrize(
    ("seen", "facts"),
    [("running", ("running", 2)), ("completed", ("completed", 2)), ("failed", ("failed", 1))],
)
def test_what_starts_although_it_was_given_up_is_under_way(seen: str, facts: Any) -> None:
    row = execution("pending", start_requested_at=timezone.now(), temporal_workflow_id=f"late-{uuid4()}")
    assert unknown(row).status == "failed"
    now = timezone.now()

    reconcile.mend(Seen(row.temporal_workflow_id, row.workflow, "run", seen, None if seen == "running" else now, started_at=now))

    row.refresh_from_db()
    assert ((row.status, row.attempt), row.temporal_run_id) == (facts, "run")
    if row.attempt == 2:
        assert "It was started after all." in row.events.values_list("reason", flat=True)


@pytest.mark.parametrize(("seen", "sent"), [("running", "pending"), ("completed", "dead")])
def test_a_cancel_that_came_before_the_server_knew_the_execution_is_asked_again(seen: str, sent: str) -> None:
    row = execution("running", temporal_run_id="run", start_requested_at=timezone.now())
    services.cancel_execution(row, user=None)
    OutboxMessage.objects.update(status="dead", attempts=1, last_error="workflow not found")

    was_mended = reconcile.mend(Seen(row.temporal_workflow_id, row.workflow, "run", seen, None))

    assert was_mended
    assert OutboxMessage.objects.get(kind="cancel").status == sent
