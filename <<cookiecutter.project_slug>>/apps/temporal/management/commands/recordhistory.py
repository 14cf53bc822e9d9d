"""`manage.py recordhistory`: the history of an execution as a file for tests and replayworkflows."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.temporal import histories, operations
from apps.temporal.exceptions import TemporalError


class Command(BaseCommand):
    """Write a history."""

    help = (
        "Write the history of an execution as JSON. Its payloads are in it as Temporal has them: encrypted, or readable by all."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare whose, and whereto."""
        parser.add_argument("workflow_id")
        parser.add_argument("--run-id", default="", help="a run other than the latest")
        parser.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")

    def handle(self, *, workflow_id: str, run_id: str, output: Path | None, **options: Any) -> None:
        """Write it. Raises CommandError."""
        try:
            text = histories.as_fixture(operations.history(workflow_id, run_id=run_id))
        except TemporalError as error:
            raise CommandError(str(error)) from error
        if output:
            output.write_text(text)
        self.stdout.write(f"wrote {output}" if output else text, ending="\n" if output else "")
