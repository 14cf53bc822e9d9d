"""One of everything that the API shows, all of it somebody's: for the tests that ask every operation.

An app may bring its own part in tests/asked.py: ROWS, its rows of the table in test_access.py, and `ids`, which makes what its
operations ask for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.batch.services import start_batch
from apps.executions.models import Execution
from apps.executions.tests.rows import execution
from apps.notifications.models import Notification
from apps.reports.models import Report
from apps.temporal import registry
from apps.users.models import User

# Stands in whatever is the owner's alone.
SECRET = "only-for-its-owner"


@dataclass(frozen=True)
class Row:
    """What the stranger, the owner, staff and nobody are answered. `of` is the execution's status.

    Where a text of the body is the name of an id, that id takes its place.
    """

    stranger: int
    owner: int
    staff: int
    body: Mapping[str, Any] = field(default_factory=dict)
    of: str = "failed"
    nobody: int = 401


def rows() -> dict[str, Row]:
    """Those that the apps bring."""
    return {operation: row for module in registry.modules("tests.asked") for operation, row in module.ROWS.items()}


class Everything:
    """The owner, an execution in each status with its tasks, a report, a message, a batch."""

    def __init__(self) -> None:
        # Its onboarding waits in the outbox.
        self.owner = User.objects.create_user("owner@example.com", name=SECRET)
        self.executions = {status: self._execution(status) for status in Execution.Status.values}
        failed = self.executions["failed"]
        self.task = failed.tasks.get()
        self.report = Report.objects.create(execution=failed, attempt=1, format="html", status="ready")
        self.report.written(SECRET.encode())
        self.message = Notification.objects.create(
            execution=failed, attempt=1, event="failure", channel="inapp", user=self.owner, reason=SECRET
        )
        self.batch = start_batch(batch_id=SECRET, user_ids=[self.owner.pk], action="check_profile")
        self.batch.failures.create(row="7", reason=SECRET)
        self.more = {name: value for module in registry.modules("tests.asked") for name, value in module.ids(self.owner).items()}

    def ids(self, status: str) -> dict[str, Any]:
        """What to put into an address, by the name that the address gives it; `status` is that of the execution."""
        return {
            "execution_id": str(self.executions[status].pk),
            "task_id": self.task.pk,
            "report_id": str(self.report.pk),
            "notification_id": self.message.pk,
            "batch_id": self.batch.batch_id,
            "user_id": self.owner.pk,
            "name": "reconcile-executions",
            "change": "pause",
            **self.more,
        }

    def _execution(self, status: str) -> Execution:
        row = execution(status, self.owner, temporal_workflow_id=f"{SECRET}-{status}", result=SECRET)
        row.tasks.create(name="send_email_activity", activity_id="1", status="success", output=SECRET, log=[SECRET])
        row.events.create(action="started", by="workflow", reason=SECRET)
        return row
