"""Rows of executions whose start the server has not seen when it is asked."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from apps.development.testing import Temporal
from apps.executions import reconcile, services
from apps.executions.models import Execution
from apps.executions.reconcile import Seen
from apps.executions.tests.rows import execution
from apps.temporal.relay import deliver_all

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


def test_a_cancel_that_came_before_the_server_knew_the_execution_is_asked_again(
    temporal: Temporal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "REST", timedelta())
    row = execution("pending", start_requested_at=timezone.now(), temporal_workflow_id=f"early-{uuid4()}")
    services.cancel_execution(row, user=None)
    deliver_all()
    start = temporal.client.start_workflow("user_onboarding", {}, id=row.temporal_workflow_id, task_queue="nobody-polls-this")
    handle = temporal.run(start)

    mended = [(reconcile.reconcile(since=timezone.now()), deliver_all()) for _ in range(4)]

    assert mended == [(1, 0), (1, 1), (0, 0), (0, 0)]
    assert temporal.run(handle.describe()).raw_description.workflow_extended_info.cancel_requested
    temporal.run(handle.terminate())
