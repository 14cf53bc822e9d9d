"""`manage.py resetworkflow`: an execution goes on from an earlier point."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.temporal import operations
from apps.temporal.exceptions import TemporalError


class Command(BaseCommand):
    """Reset an execution."""

    help = "Let an execution go on from an earlier point, in a new run. What it did after that point is done again."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare whom, whereto and why."""
        parser.add_argument("workflow_id")
        parser.add_argument("--run-id", default="", help="a run other than the latest")
        parser.add_argument("--to", default="last-good", metavar="start|last-good|EVENT_ID", help="default: last-good")
        parser.add_argument("--reason", required=True, help="recorded in the new run's history")
        parser.add_argument("--dry-run", action="store_true", help="only list the points it can go back to")

    def handle(self, *, workflow_id: str, run_id: str, to: str, reason: str, dry_run: bool, **options: Any) -> None:
        """Print the points, or the new run's id. Raises CommandError."""
        try:
            if dry_run:
                for point in operations.reset_points(workflow_id, run_id=run_id):
                    mark = "last-good" if point.is_last_good else ""
                    self.stdout.write(f"{point.event_id:>6}  {point.at:%Y-%m-%d %H:%M:%S}  {mark:<9}  {point.next}")
                return
            new = operations.reset(workflow_id, run_id=run_id, to=to, reason=reason)
        except TemporalError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(self.style.SUCCESS(f"{workflow_id} goes on as run {new}"))
