"""Transactions nested, committed and rolled back at random in several threads: what is committed starts, and nothing else."""

import os
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import uuid4

import pytest
from django.db import connections, transaction
from pytest_django import Settings
from temporalio.client import Client

from apps.development.testing import PATIENCE, EventLoopThread
from apps.temporal import relay
from apps.temporal.models import OutboxMessage
from apps.temporal.outbox import enqueue_start
from tests.installation import wait_until

THREADS, INTERLEAVINGS = 4, 1_000
DEEPEST = 3


class RolledBack(Exception):  # noqa: N818  says what is so
    """Ends a block that is to leave nothing."""


@dataclass
class Interleaving:
    """A random tree of blocks. `name` begins its ids."""

    name: str
    dice: random.Random
    written: int = 0

    def run(self) -> set[str]:
        """Write starts in blocks and savepoints, some of which are rolled back, and give the ids that were committed."""
        return self._block(0)

    def _block(self, depth: int) -> set[str]:
        kept: set[str] = set()
        try:
            with transaction.atomic():
                for _ in range(self.dice.randint(1, 2)):
                    if depth < DEEPEST and self.dice.random() < 0.4:
                        kept |= self._block(depth + 1)
                    else:
                        kept.add(self._start())
                # Three ways to leave a block: by its end, by an exception, by a word to Django.
                match self.dice.choice(["commit", "commit", "raise", "roll back"]):
                    case "raise":
                        raise RolledBack
                    case "roll back":
                        transaction.set_rollback(True)
                        kept = set()
        except RolledBack:
            return set()
        return kept

    def _start(self) -> str:
        self.written += 1
        workflow_id = f"{self.name}-{self.written}"
        enqueue_start("batch_processing", {"batch_id": "any"}, workflow_id=workflow_id)
        return workflow_id


def run_some(numbers: range, name: str, seed: int) -> tuple[set[str], int]:
    """Run interleavings in this thread. Gives the ids that were committed, and how many were written in all."""
    committed, written = set(), 0
    try:
        for number in numbers:
            interleaving = Interleaving(f"{name}-{number}", random.Random(f"{seed}-{number}"))  # noqa: S311  no secret
            kept = interleaving.run()
            stored = OutboxMessage.objects.filter(aggregate_id__startswith=f"{interleaving.name}-")
            assert set(stored.values_list("aggregate_id", flat=True)) == kept
            committed |= kept
            written += interleaving.written
    finally:
        connections.close_all()
    return committed, written


def all_is_sent() -> bool:
    """Whether nothing is left once what is due was sent: what the server did not take at first waits for a moment."""
    relay.deliver_all()
    return not OutboxMessage.objects.filter(status=OutboxMessage.Status.PENDING).exists()


@pytest.mark.django_db(transaction=True)
def test_what_is_committed_starts_once_and_what_is_rolled_back_never(
    server: str, settings: Settings, temporal_client: Client, loop_thread: EventLoopThread
) -> None:
    settings.TEMPORAL_RELAY_ON_COMMIT = True
    settings.TEMPORAL_TASK_QUEUE = queue = f"interleaved-{uuid4()}"
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(2**32)))
    print(f"SEED={seed}")  # noqa: T201  shown when the test fails: SEED=… pytest does the same again

    with ThreadPoolExecutor(THREADS) as pool:
        shares = [range(thread, INTERLEAVINGS, THREADS) for thread in range(THREADS)]
        done = list(pool.map(lambda share: run_some(share, queue, seed), shares))
    committed = set().union(*(ids for ids, _ in done))
    # The nudge's thread sends what it was nudged to, and keeps a connection, which the test's database cannot outlive.
    relay._nudger(os.getpid()).thread.submit(connections.close_all).result(5 * PATIENCE)
    wait_until(all_is_sent, seconds=PATIENCE)

    async def runs() -> Counter[str]:
        return Counter([run.id async for run in temporal_client.list_workflows(f"TaskQueue = '{queue}'")])

    # The server's list is some moments behind.
    wait_until(lambda: len(loop_thread.run(runs())) >= len(committed), seconds=PATIENCE)
    assert loop_thread.run(runs()) == Counter(committed)
    assert 0 < len(committed) < sum(written for _, written in done)
