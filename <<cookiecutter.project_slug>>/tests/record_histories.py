"""Records the histories that test_replay.py replays: `pytest tests/record_histories.py`. Its name keeps it out of `pytest` alone.

Record anew when a workflow has changed and no execution of the old kind is left, or when its input or a result has a new
field. Until then keep the old file beside the new one: both must replay. docs/testing.md says how to replay what runs in
production.
"""

from collections.abc import Sequence
from datetime import date
from threading import Event
from typing import Any

import pytest
from pytest_django import Settings
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle

from apps.batch import activities
from apps.batch.actions import ACTIONS, RowAction
from apps.batch.shared import BatchProcessingWorkflowInput, RowQuery
from apps.batch.tests.people import make_users
from apps.development.testing import ROOT, EventLoopThread, Temporal
from apps.executions.shared import RECONCILE
from apps.reports.shared import DAILY_REPORT, DailyReportInput
from apps.tasks import activities as task_activities
from apps.tasks.runs import call_of
from apps.temporal import histories, registry
from apps.temporal.plugin import DjangoPlugin
from apps.users.models import User

ONBOARDING, BATCH, TASK = "user_onboarding", "batch_processing", "django_task"


@pytest.fixture(scope="session")
def temporal_client(temporal_server: str, loop_thread: EventLoopThread) -> Client:
    """A client, and with it a worker, whose name in the histories is not that of this machine."""
    return loop_thread.run(Client.connect(temporal_server, plugins=[DjangoPlugin()], identity="recorder"))


@pytest.fixture(autouse=True)
def _stable_input(settings: Settings) -> None:
    settings.ONBOARDING_FOLLOW_UP_DELAY = 0.1


def record(temporal: Temporal, handle: WorkflowHandle[Any, Any], workflow: str, case: str) -> None:
    """Write the history of one run beside the tests of the workflow's app."""
    kind = registry.workflows()[workflow]
    history = histories.as_fixture(temporal.run(handle.fetch_history()))
    file = ROOT.joinpath(*kind.__module__.split(".")[:-1], "tests", "histories", f"{kind.__name__}-{case}.json")
    file.parent.mkdir(exist_ok=True)
    file.write_text(history)


@pytest.mark.parametrize(
    ("case", "delay"), [("completed", {"follow_up_delay": 0.1}), ("completed-without-delay-in-the-input", {})]
)
def test_onboarding(temporal: Temporal, case: str, delay: dict[str, float]) -> None:
    (user,) = make_users(1)
    wanted = {"user_id": user.pk, "email": user.email, "name": user.name, **delay}
    handle = temporal.run(
        temporal.client.start_workflow(ONBOARDING, wanted, id=f"onboarding-{case}", task_queue=temporal.task_queue)
    )
    temporal.run(handle.result())
    record(temporal, handle, ONBOARDING, case)


def test_onboarding_that_reports_its_end(temporal: Temporal) -> None:
    (user,) = make_users(1)
    wanted = {"user_id": user.pk, "email": user.email, "name": user.name, "follow_up_delay": 0.1}
    handle = temporal.start(ONBOARDING, wanted, workflow_id="onboarding-reported")
    temporal.run(handle.result())
    record(temporal, handle, ONBOARDING, "completed-reported")


def test_reconcile(temporal: Temporal) -> None:
    handle = temporal.start(RECONCILE, None)
    temporal.run(handle.result())
    record(temporal, handle, RECONCILE, "completed")


def test_daily_report(temporal: Temporal) -> None:
    handle = temporal.start(DAILY_REPORT, DailyReportInput(day=date(2026, 12, 1)), workflow_id="daily-report-recorded")
    temporal.run(handle.result())
    record(temporal, handle, DAILY_REPORT, "completed")


@pytest.mark.parametrize("case", ["completed-listed", "completed-described"])
def test_batch(temporal: Temporal, case: str) -> None:
    ids = [user.pk for user in make_users(5, broken=(3,))]
    rows = RowQuery(model="users.User", filter={"is_active": True})
    by_ids = BatchProcessingWorkflowInput(batch_id=case, user_ids=ids)
    by_description = BatchProcessingWorkflowInput(batch_id=case, rows=rows)
    handle = temporal.start(BATCH, by_ids if case == "completed-listed" else by_description)
    temporal.run(handle.result())
    record(temporal, handle, BATCH, case)


def test_batch_cancelled(temporal: Temporal, monkeypatch: pytest.MonkeyPatch) -> None:
    users, begun = make_users(40), Event()

    def take_some_time(rows: Sequence[User]) -> dict[int, str]:
        begun.set()
        Event().wait(0.05)
        return {}

    monkeypatch.setitem(ACTIONS, "check_profile", RowAction(model="users.User", apply=take_some_time, chunk_size=1))
    handle = temporal.start(BATCH, BatchProcessingWorkflowInput(batch_id="cancelled", user_ids=[user.pk for user in users]))
    begun.wait(10)
    temporal.run(handle.cancel())
    with pytest.raises(WorkflowFailureError):
        temporal.run(handle.result())
    record(temporal, handle, BATCH, "cancelled")


def test_batch_continued(temporal: Temporal, monkeypatch: pytest.MonkeyPatch) -> None:
    make_users(80)
    monkeypatch.setattr(activities, "RANGE_SIZE", 5)
    first = temporal.start(BATCH, BatchProcessingWorkflowInput(batch_id="continued", rows=RowQuery(model="users.User")))
    temporal.run(first.result())
    latest = temporal.run(first.describe()).run_id
    for run_id, case in ((first.first_execution_run_id, "continued-first-run"), (latest, "continued-last-run")):
        handle = temporal.client.get_workflow_handle(first.id, run_id=run_id)
        record(temporal, handle, BATCH, case)


def test_django_task(temporal: Temporal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_activities, "WORKER_ID", "recorder")
    call = call_of(
        {
            "id": "task-recorded",
            "task": "apps.tasks.tests.work.add",
            "args": [1],
            "kwargs": {"second": 2},
            "backend": "default",
            "queue_name": "default",
            "priority": 0,
            "run_after": None,
            "enqueued_at": "2026-12-01T03:00:00Z",
            "task_queue": temporal.task_queue,
            "timeout": 60,
            "heartbeat": 30,
            "max_attempts": 1,
        }
    )
    handle = temporal.start(TASK, call, workflow_id=call.id)
    temporal.run(handle.result())
    record(temporal, handle, TASK, "completed")
