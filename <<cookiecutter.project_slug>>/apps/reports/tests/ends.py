"""Ends of executions, and what workers do then, for tests."""

from collections.abc import Callable
from typing import Any

from apps.executions import projection
from apps.executions.models import Execution
from apps.executions.shared import End
from apps.executions.shared import Report as Ending
from apps.reports import tasks
from apps.reports.models import Report
from apps.temporal.models import OutboxMessage

AT_THE_END = {"formats": ["html", "csv"], "recipients": ["owner", "ops@example.com"]}


def end(found: Execution, status: str = "completed") -> None:
    """As its worker reports it."""
    end = End(
        workflow_id=found.temporal_workflow_id,
        workflow=found.workflow,
        run_id=found.temporal_run_id,
        report=Ending(status=status),
    )
    projection.record((), [end])


def enqueued() -> list[tuple[str, list[Any]]]:
    """Tasks in the outbox: the function's name, its arguments."""
    messages = OutboxMessage.objects.filter(kind="activity").order_by("pk")
    return [(message.payload["task"].rpartition(".")[2], message.payload["args"]) for message in messages]


def write(found: Execution, *, tried: int = 1) -> int:
    """As a worker's try of that number."""
    written: int = tasks.write_reports.func(type("Context", (), {"attempt": tried})(), str(found.pk), 1)
    return written


def send(report: Report, recipients: list[str]) -> int:
    """As a worker's first try."""
    sent: int = tasks.send_report.func(type("Context", (), {"attempt": 1})(), str(report.pk), recipients)
    return sent


def fails_with(error: type[Exception]) -> Callable[[Report], bytes]:
    """Instead of `compose`."""

    def compose(_: Report) -> bytes:
        raise error

    return compose
