"""`manage.py runrelay`: the outbox's relay by itself. Every worker has one; this is for those who want it apart."""

import asyncio
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.temporal.exceptions import TemporalUnavailable
from apps.temporal.relay import deliver_all, relay_until
from apps.temporal.worker import stop_on_signal


class Command(BaseCommand):
    """Run a relay."""

    help = "Send what waits in the outbox to Temporal until SIGTERM. Workers do so too; any number of relays may run at once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare --once."""
        parser.add_argument("--once", action="store_true", help="send what is due now, and end")

    def handle(self, *, once: bool, **options: Any) -> None:
        """Relay. Raises CommandError when Temporal cannot be used with --once."""
        if once:
            try:
                self.stdout.write(self.style.SUCCESS(f"Sent {deliver_all()} messages."))
            except TemporalUnavailable as error:
                raise CommandError(str(error)) from error
        else:
            asyncio.run(_relay())


async def _relay() -> None:
    await relay_until(stop_on_signal())
