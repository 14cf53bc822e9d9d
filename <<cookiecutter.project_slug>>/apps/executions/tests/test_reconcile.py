"""What could not be reported is found out: ended, reset or started elsewhere, or lost with a worker."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone
from pytest_django import Settings
from temporalio.client import WorkflowHandle

from apps.development.testing import PATIENCE, Temporal
from apps.executions import buffer, history, projection, reconcile, services
from apps.executions.models import Execution, TaskExecution
from apps.executions.reconcile import Seen
from apps.executions.tests.rows import execution
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
    wait_until(lambda: client.query(message.aggregate_id, "current_step") == "waiting to follow up", seconds=PATIENCE)
    buffer.flush()
    return temporal.client.get_workflow_handle(message.aggregate_id)


def look(since: datetime | None = None) -> int:
    """Reconcile as the schedule does."""
    return reconcile.reconcile(since=since or timezone.now())


def row() -> Execution:
    return Execution.objects.get()


def seen(row: Execution, status: str, run_id: str = "", **more: Any) -> Seen:
    """What the server would say of it."""
    moment = timezone.now()
    return Seen(row.temporal_workflow_id, row.workflow, run_id or row.temporal_run_id, status, moment, asked_at=moment, **more)


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
    wait_until(lambda: client.describe(waiting.id).status == status, seconds=PATIENCE)

    look()

    assert (row().status, row().completed_at is not None) == (status, True)
    assert look() == 0


def test_a_timeout_is_found(temporal: Temporal) -> None:
    start = temporal.client.start_workflow(
        "user_onboarding", {}, id=f"late-{uuid4()}", task_queue="nobody-polls-this", execution_timeout=timedelta(seconds=1)
    )
    handle = temporal.run(start)
    Execution.objects.create(workflow="user_onboarding", temporal_workflow_id=handle.id, start_requested_at=timezone.now())
    wait_until(lambda: client.describe(handle.id).status == "timed_out", seconds=PATIENCE)

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
    workflow_id, began = f"elsewhere-{uuid4()}", timezone.now()
    start = temporal.client.start_workflow("user_onboarding", wanted, id=workflow_id, task_queue=temporal.task_queue)
    handle = temporal.run(start)
    wait_until(lambda: client.describe(handle.id).status == "failed", seconds=PATIENCE)
    wait_until(lambda: look(began) >= 0 and Execution.objects.filter(temporal_workflow_id=workflow_id).exists(), seconds=PATIENCE)

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


def test_one_row_that_cannot_be_mended_costs_no_other(temporal: Temporal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one the result cannot be read, of one the row cannot be stored, of one the tasks cannot: the last is mended."""
    rows = [execution("pending", start_requested_at=timezone.now(), temporal_workflow_id=f"{n}-{uuid4()}") for n in range(3)]
    lost = execution("completed", temporal_workflow_id=f"3-{uuid4()}", created_at=timezone.now())

    async def describe(_: object, workflow_id: str) -> Seen:
        if workflow_id == rows[0].temporal_workflow_id:
            raise RuntimeError("no key for this")
        result = {"a": "\x00"} if workflow_id == rows[1].temporal_workflow_id else {}
        return Seen(workflow_id, "user_onboarding", "run", "completed", timezone.now(), result)

    def change(row: Execution, *args: Any, **options: Any) -> None:
        if row.result:
            raise ValueError("a database that does not take it")
        original(row, *args, **options)

    original = projection.change
    monkeypatch.setattr(projection, "change", change)
    monkeypatch.setattr(reconcile, "_describe", describe)
    monkeypatch.setattr(history, "tasks_of", lambda _: 1 / 0)

    assert look() == 1

    statuses = [Execution.objects.get(pk=each.pk).status for each in (*rows, lost)]
    assert statuses == ["pending", "pending", "completed", "completed"]


def test_one_that_was_canceled_while_the_server_was_asked_stays_so() -> None:
    """Its start is withdrawn by then, and an answer from before says that it runs."""
    row = services.start_workflow("user_onboarding", {}, workflow_id=f"canceled-{uuid4()}")
    unknown, running = seen(row, "")._replace(workflow=""), seen(row, "running", "run")
    services.terminate_execution(row, user=None, reason="not now")

    assert not any(reconcile.mend(said) for said in (unknown, running, unknown._replace(asked_at=timezone.now())))

    assert [action for action, _, _ in trail()] == ["start", "terminate"]


def test_what_ended_before_anybody_said_that_it_runs_has_started() -> None:
    row, began = execution("pending"), timezone.now()

    assert reconcile.mend(seen(row, "completed", "run", started_at=began))

    row.refresh_from_db()
    assert (row.status, row.started_at) == ("completed", began)
    assert [after for _, _, after in trail()] == ["running", "completed"]


def test_a_run_that_ended_before_it_could_be_terminated_is_no_other_attempt() -> None:
    row = services.terminate_execution(execution(), user=None, reason="enough")

    assert not reconcile.mend(seen(row, "completed"))

    row.refresh_from_db()
    assert (row.status, row.attempt) == ("terminated", 1)


def test_a_run_that_was_continued_as_new_before_the_end_is_no_other_attempt() -> None:
    row = execution()
    began = timezone.now()
    row = services.terminate_execution(row, user=None, reason="enough")

    assert reconcile.mend(seen(row, "terminated", "continued", started_at=began))

    row.refresh_from_db()
    assert (row.status, row.attempt, row.temporal_run_id) == ("terminated", 1, "continued")


def test_the_new_run_of_a_reset_is_known_before_it_says_anything() -> None:
    row = services.reset_execution(execution("failed"), user=None)
    OutboxMessage.objects.update(status="sent")

    assert not reconcile.mend(seen(row, "failed"))
    assert reconcile.mend(seen(row, "running", "new"))

    row.refresh_from_db()
    assert (row.status, row.attempt, row.temporal_run_id) == ("running", 2, "new")


def test_what_was_reset_and_ended_before_it_said_anything_is_tried_again_and_no_attempt_is_made_up() -> None:
    """Its row knows the run before the reset until reconcile has looked."""
    row = services.reset_execution(execution("failed"), user=None)
    OutboxMessage.objects.update(status="sent")
    row = services.terminate_execution(row, user=None, reason="enough")
    with pytest.raises(ValidationError, match="try again in a minute"):
        services.reset_execution(row, user=None)

    assert reconcile.mend(seen(row, "terminated", "new", started_at=timezone.now()))
    row.refresh_from_db()
    assert (row.attempt, row.temporal_run_id) == (2, "new")
    row = services.reset_execution(row, user=None)

    assert (row.status, row.attempt, [action for action, _, _ in trail()]) == ("running", 3, ["reset", "terminate", "reset"])


def test_a_reset_that_temporal_refused_says_why_and_can_be_asked_for_again() -> None:
    row = services.reset_execution(execution("failed"), user=None)
    OutboxMessage.objects.update(status="dead", last_error="There is no such point.")

    assert reconcile.mend(seen(row, "terminated"))
    row.refresh_from_db()
    assert (row.status, row.attempt, row.error_message) == ("terminated", 2, "There is no such point.")
    services.reset_execution(row, user=None)

    assert list(OutboxMessage.objects.order_by("pk").values_list("kind", "status")) == [("reset", "dead"), ("reset", "pending")]


def test_what_did_nothing_before_it_was_stopped_is_started_anew(temporal: Temporal, settings: Settings) -> None:
    """Its workers were down: Temporal has no point that it could go back to."""
    settings.TEMPORAL_TASK_QUEUE = f"nobody-yet-{uuid4()}"
    wanted = {"user_id": -1, "email": "ada@example.com", "name": "Ada"}
    row = services.start_workflow("user_onboarding", wanted, workflow_id=f"idle-{uuid4()}")
    deliver_all()
    assert look() == 1
    row = services.terminate_execution(row, user=None, reason="nobody works")
    first = row.temporal_run_id
    row = services.reset_execution(row, user=None)
    deliver_all()

    again = client.describe(row.temporal_workflow_id)
    assert (again.status, again.workflow, again.run_id != first) == ("running", "user_onboarding", True)
    assert operations.reset(row.temporal_workflow_id, reason="again", run_id=first) == again.run_id
    look()
    row.refresh_from_db()
    assert (row.status, row.attempt, row.temporal_run_id) == ("running", 2, again.run_id)
    temporal.run(temporal.client.get_workflow_handle(row.temporal_workflow_id).terminate())
