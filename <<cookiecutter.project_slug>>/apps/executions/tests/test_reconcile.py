"""What could not be reported is found out: ended, reset or started elsewhere, or lost with a worker."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import Settings
from temporalio.client import WorkflowHandle

from apps.development.testing import Temporal
from apps.executions import buffer, reconcile
from apps.executions.models import Execution, TaskExecution
from apps.temporal import client, operations, outbox
from apps.temporal.models import OutboxMessage
from apps.temporal.relay import deliver_all
from apps.users.models import User
from tests.installation import wait_until

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "REST", timedelta())


@pytest.fixture
def waiting(temporal: Temporal) -> WorkflowHandle[Any, Any]:
    """An onboarding that waits for its second mail, for an hour, and its row."""
    wanted = {"user_id": 1, "email": "ada@example.com", "name": "Ada", "follow_up_delay": 3600}
    outbox.enqueue_start("user_onboarding", wanted, workflow_id=f"waits-{uuid4()}")
    User.objects.bulk_create([User(pk=1, email="ada@example.com")])
    message = OutboxMessage.objects.get()
    deliver_all()
    wait_until(lambda: client.query(message.aggregate_id, "current_step") == "waiting to follow up", seconds=10)
    buffer.flush()
    return temporal.client.get_workflow_handle(message.aggregate_id)


def look() -> int:
    """Reconcile as the schedule does."""
    return reconcile.reconcile(since=timezone.now())


def row() -> Execution:
    return Execution.objects.get()


def trail() -> list[tuple[str, str, str]]:
    return list(row().events.values_list("action", "by", "after"))


def test_what_is_right_is_left_alone(waiting: WorkflowHandle[Any, Any]) -> None:
    before = row().revision

    assert look() == 0
    assert (row().status, row().revision) == ("running", before)


@pytest.mark.parametrize(
    ("end", "status"),
    [(lambda handle: handle.terminate("enough"), "terminated"), (lambda handle: handle.cancel(), "canceled")],
)
def test_an_end_that_was_made_elsewhere_is_found(
    temporal: Temporal, waiting: WorkflowHandle[Any, Any], end: Callable[[WorkflowHandle[Any, Any]], Any], status: str
) -> None:
    temporal.run(end(waiting))
    wait_until(lambda: client.describe(waiting.id).status == status, seconds=10)

    look()

    assert (row().status, row().completed_at is not None) == (status, True)
    assert look() == 0


def test_a_timeout_is_found(temporal: Temporal) -> None:
    start = temporal.client.start_workflow(
        "user_onboarding", {}, id=f"late-{uuid4()}", task_queue="nobody-polls-this", execution_timeout=timedelta(seconds=1)
    )
    handle = temporal.run(start)
    Execution.objects.create(workflow="user_onboarding", temporal_workflow_id=handle.id, start_requested_at=timezone.now())
    wait_until(lambda: client.describe(handle.id).status == "timed_out", seconds=10)

    assert look() >= 1

    assert Execution.objects.get(temporal_workflow_id=handle.id).status == "timed_out"


def test_a_reset_that_was_made_elsewhere_is_another_attempt(temporal: Temporal, waiting: WorkflowHandle[Any, Any]) -> None:
    temporal.run(waiting.terminate("enough"))
    look()
    operations.reset(waiting.id, reason="by hand", to="start")

    look()

    assert (row().status, row().attempt, row().temporal_run_id) == ("running", 2, client.describe(waiting.id).run_id)
    assert ("reset", "reconcile", "running") in trail()
    temporal.run(waiting.terminate("enough"))


def test_what_was_started_elsewhere_gets_a_row(temporal: Temporal) -> None:
    wanted = {"user_id": -1, "email": "ada@example.com", "name": "Ada"}
    workflow_id = f"elsewhere-{uuid4()}"
    start = temporal.client.start_workflow("user_onboarding", wanted, id=workflow_id, task_queue=temporal.task_queue)
    handle = temporal.run(start)
    wait_until(lambda: client.describe(handle.id).status == "failed", seconds=10)
    wait_until(lambda: look() >= 0 and Execution.objects.filter(temporal_workflow_id=workflow_id).exists(), seconds=10)

    execution = Execution.objects.get(temporal_workflow_id=workflow_id)
    assert (execution.status, execution.trigger) == ("failed", "outside")
    assert execution.error_message == "UnknownUser: no account -1"
    assert [(task.name, task.status, task.error) for task in execution.tasks.all()] == [
        ("process_user_activity", "failed", "UnknownUser: no account -1")
    ]


def test_tasks_that_were_lost_with_their_worker_are_read_from_the_history(
    temporal: Temporal, waiting: WorkflowHandle[Any, Any]
) -> None:
    temporal.run(waiting.terminate("enough"))
    TaskExecution.objects.all().delete()

    look()

    assert [(task.name, task.status) for task in row().tasks.all()] == [
        ("process_user_activity", "success"),
        ("send_email_activity", "success"),
    ]
    assert look() == 0


@pytest.mark.parametrize(
    ("start", "status", "reason"),
    [
        ({"status": "dead", "last_error": "There is no such workflow."}, "failed", "There is no such workflow."),
        ({"status": "canceled"}, "canceled", ""),
        ({"status": "pending"}, "pending", ""),
    ],
)
def test_a_start_that_never_arrived_decides(temporal: Temporal, start: dict[str, str], status: str, reason: str) -> None:
    outbox.enqueue_start("user_onboarding", {}, workflow_id=f"never-{uuid4()}")
    OutboxMessage.objects.update(**start)

    look()

    assert (row().status, row().error_message) == (status, reason)


def test_what_the_server_has_forgotten_has_failed(temporal: Temporal, settings: Settings) -> None:
    execution = Execution.objects.create(
        workflow="user_onboarding", temporal_workflow_id=f"gone-{uuid4()}", status="running", start_requested_at=timezone.now()
    )
    assert look() == 0
    Execution.objects.filter(pk=execution.pk).update(updated_at=timezone.now() - timedelta(hours=1))

    look()

    assert (row().status, row().error_message) == ("failed", "Temporal does not know this execution any more.")
