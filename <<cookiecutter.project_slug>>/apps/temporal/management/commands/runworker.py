"""`manage.py runworker`: the process that runs workflows and activities."""

import asyncio
from typing import Any

from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandParser

from apps.temporal.queues import polled_by_default
from apps.temporal.worker import run_worker


class Command(BaseCommand):
    """Run a worker."""

    help = "Run workflows and activities. SIGTERM lets running activities finish, a second one ends at once."
    # Not those of the web: they would import every page, which takes as long as all else that a worker adds to Django.
    requires_system_checks = ["temporal", Tags.models]

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare --task-queue."""
        parser.add_argument(
            "--task-queue",
            action="append",
            metavar="NAME",
            help="queue to poll, may be repeated (default: all that the settings name)",
        )

    def handle(self, *, task_queue: list[str] | None, **options: Any) -> None:
        """Work until told to stop."""
        asyncio.run(run_worker(list(dict.fromkeys(task_queue or polled_by_default()))))
