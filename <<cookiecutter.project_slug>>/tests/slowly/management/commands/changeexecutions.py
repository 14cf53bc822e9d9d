"""`manage.py changeexecutions`: executions that change as quickly as the database takes it."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from apps.executions import projection
from apps.executions.models import Execution
from apps.executions.shared import End, Report, TaskRecord


class Command(BaseCommand):
    """Say of tasks what workers say of them."""

    help = "Record so many changes of the tasks of each of so many executions, and print their ids and, once they end, when."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare how many."""
        parser.add_argument("executions", type=int)
        parser.add_argument("changes", type=int)
        parser.add_argument("--finish", action="store_true", help="Complete them.")

    def handle(self, *, executions: int, changes: int, finish: bool, **options: Any) -> None:
        """A task of each execution begins, then it ends, and so on. A line is `ID SECONDS`, of the clock that time.time reads."""
        names = [f"changing-{number}" for number in range(executions)]
        for number in range(changes):
            projection.record([self._record(name, number) for name in names])
        for name in names:
            if finish:
                end = End(workflow_id=name, workflow="slow", run_id="run", report=Report(status="completed"))
                projection.record((), [end])
            self.stdout.write(f"{Execution.objects.get(temporal_workflow_id=name).pk} {time.time()}")

    def _record(self, workflow_id: str, number: int) -> TaskRecord:
        now, ends = timezone.now(), number % 2 == 1
        return TaskRecord(
            workflow_id=workflow_id, workflow="slow", run_id="run", activity_id=str(number // 2), name="step", number=1,
            status="success" if ends else "running", scheduled_at=now, started_at=now, completed_at=now if ends else None,
        )  # fmt: skip
