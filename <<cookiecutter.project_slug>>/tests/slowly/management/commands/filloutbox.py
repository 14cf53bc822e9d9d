"""`manage.py filloutbox`: an outbox full of signals to a few executions."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from apps.temporal.models import OutboxMessage


class Command(BaseCommand):
    """Fill the outbox."""

    help = "Write a start for each of so many executions and, in turns, numbered signals to them."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare what their ids begin with, their number, and that of all messages."""
        parser.add_argument("prefix")
        parser.add_argument("executions", type=int)
        parser.add_argument("messages", type=int)

    def handle(self, *, prefix: str, executions: int, messages: int, **options: Any) -> None:
        """Write them in one statement: enqueue_signal() is tested elsewhere."""
        OutboxMessage.objects.bulk_create(message(prefix, number, executions) for number in range(messages))


def message(prefix: str, number: int, executions: int) -> OutboxMessage:
    """The message of that number."""
    aggregate_id = f"{prefix}-{number % executions}"
    if number < executions:
        payload = {"workflow": "slow", "argument": None, "task_queue": settings.TEMPORAL_TASK_QUEUE, "fairness_key": ""}
        return OutboxMessage(kind="start", aggregate_id=aggregate_id, dedupe_key=f"start:{aggregate_id}", payload=payload)
    return OutboxMessage(
        kind="signal", aggregate_id=aggregate_id, dedupe_key=f"signal:{number}", payload={"name": "note", "argument": number}
    )
