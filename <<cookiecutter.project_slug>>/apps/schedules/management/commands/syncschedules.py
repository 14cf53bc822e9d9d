"""`manage.py syncschedules`: makes the server's schedules those that are declared."""

from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.schedules import services
from apps.temporal.exceptions import TemporalError


class Command(BaseCommand):
    """Create, update and delete schedules."""

    help = "Make this project's schedules on the server those that are declared. Those of others, and pauses, stay as they are."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare --dry-run."""
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done")

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        """Print what is different, and how much. Raises CommandError for a wrong declaration, or without a server."""
        try:
            differences = services.sync(dry_run=dry_run)
        except (ValueError, TemporalError) as error:
            raise CommandError(str(error)) from error
        for name, difference in differences.items():
            self.stdout.write(f"{name}: {difference}")
        counts = Counter(difference.split()[0] for difference in differences.values())
        done = ", ".join(
            f"{counts[verb]} to {verb}" if dry_run else f"{counts[verb]} {verb}d" for verb in ("create", "update", "delete")
        )
        self.stdout.write(self.style.SUCCESS(f"{done}."))
