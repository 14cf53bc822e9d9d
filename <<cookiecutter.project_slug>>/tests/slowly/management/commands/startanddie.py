"""`manage.py startanddie`: processes that commit a start and are killed at a random moment."""

import os
import random
import signal
import time
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connections, transaction

from apps.temporal.models import OutboxMessage
from apps.temporal.outbox import enqueue_start

# From the fork to the answer of the server it takes a process about a tenth of a second, on a busy machine several times that.
LONGEST_LIFE = 0.15


class Command(BaseCommand):
    """Fork, start, kill."""

    help = "Commit a start in each of so many processes, kill each at a random moment and print where that found the starts."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare how many, and what makes the moments repeatable."""
        parser.add_argument("times", type=int)
        parser.add_argument("seed", type=int)

    def handle(self, *, times: int, seed: int, **options: Any) -> None:
        """Kill them one after another."""
        dice = random.Random(seed)  # noqa: S311  no secret
        found, longest = Counter[str](), LONGEST_LIFE
        for number in range(times):
            state = self._kill(f"killed-{seed}-{number}", dice.uniform(0, longest))
            found[state] += 1
            # Some are to live long enough and some are not, however fast this machine is at the moment.
            longest *= 0.9 if state == "sent" else 1.05
        self.stdout.write(" ".join(f"{state}={number}" for state, number in sorted(found.items())))

    def _kill(self, workflow_id: str, seconds: float) -> str:
        connections.close_all()
        # Forked, since a new interpreter would take longer than all the rest.
        if (pid := os.fork()) == 0:
            with transaction.atomic():
                enqueue_start("at_once", None, workflow_id=workflow_id)
            signal.pause()
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        message = OutboxMessage.objects.filter(aggregate_id=workflow_id).first()
        if message is None:
            return "rolled_back"
        return "claimed" if message.leased_until else message.status
