"""`manage.py replayworkflows`: would executions survive a deployment of this code?"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from temporalio.client import WorkflowHistory

from apps.temporal import histories
from apps.temporal.exceptions import TemporalError


class Command(BaseCommand):
    """Replay histories."""

    help = "Replay histories against today's workflows, from files or of the last executions. The exit code is 1 when one fails."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare which."""
        parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="JSON, as recordhistory writes it")
        parser.add_argument(
            "--last", type=int, default=0, metavar="N", help="replay the last N executions of this project's workflows"
        )
        parser.add_argument("--query", default="", help="of --last, those that this visibility query matches")

    def handle(self, *, files: Sequence[Path], last: int, query: str, **options: Any) -> None:
        """Print one line each. Raises CommandError with the ids of those that fail."""
        if not files and not last:
            raise CommandError("Name files of histories, or how many executions with --last.")
        try:
            found = [WorkflowHistory.from_json(str(file), file.read_text()) for file in files]
            found += histories.recent_histories(last, query) if last else []
        except (TemporalError, OSError, ValueError) as error:
            raise CommandError(str(error)) from error
        if failed := asyncio.run(self._replay(found)):
            raise CommandError(f"{len(failed)} of {len(found)} would not go on with this code: {', '.join(failed)}")
        self.stdout.write(self.style.SUCCESS(f"{len(found)} replayed"))

    async def _replay(self, found: Sequence[WorkflowHistory]) -> list[str]:
        failed = []
        async for workflow_id, problem in histories.replay(found):
            self.stdout.write(self.style.ERROR(f"FAIL {workflow_id}: {problem}") if problem else f"ok   {workflow_id}")
            failed += [workflow_id] if problem else []
        return failed
