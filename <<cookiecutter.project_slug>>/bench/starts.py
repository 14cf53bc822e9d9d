"""What the outbox costs: from the commit to the start on the server, at 50 starts a second.

No worker takes what is started: running it would cost the server several times the start itself, and that would be measured.
"""

import asyncio
import time
from functools import partial
from uuid import uuid4

from django.db import connection, transaction
from temporalio.service import RPCError, RPCStatusCode

from apps.temporal.outbox import enqueue_start
from bench.figures import Figure, Size, percentile, take_turns
from bench.people import make_people
from bench.processes import Bench
from bench.shared import ActivitiesInput

A_SECOND = 50
PATIENCE = 300.0
NOBODY = "bench-nobody"
NOTHING = ActivitiesInput(activity="bench_no_op", times=0)


def through_the_outbox(bench: Bench, size: Size) -> list[Figure]:
    """Median and p95 in milliseconds."""
    make_people(1)
    bench.pair()
    _outbox(bench, 3)
    ours, theirs = take_turns(size.rounds, lambda: _outbox(bench, size.starts), lambda: _bare(bench, size.starts))
    limit = 50 if connection.vendor == "postgresql" else None
    return [
        Figure(
            what=f"outbox start at {A_SECOND}/s, {name}",
            unit="ms",
            ours=[1_000 * percentile(turn, share) for turn in ours],
            against="bare start_workflow",
            theirs=[1_000 * percentile(turn, share) for turn in theirs],
            compare="value",
            at_most=limit if name == "p95" else None,
        )
        for name, share in (("p50", 0.5), ("p95", 0.95))
    ]


def _outbox(bench: Bench, starts: int) -> list[float]:
    """Seconds from each commit to the start that the server notes."""
    committed: dict[str, float] = {}
    began = time.monotonic()
    for number in range(starts):
        time.sleep(max(0.0, began + number / A_SECOND - time.monotonic()))
        workflow_id = f"outbox-{uuid4()}"
        with transaction.atomic():
            transaction.on_commit(partial(lambda key: committed.update({key: time.time()}), workflow_id))
            enqueue_start("bench_activities", NOTHING, workflow_id=workflow_id, task_queue=NOBODY)
    return bench.runner.run(_delays(bench, committed))


def _bare(bench: Bench, starts: int) -> list[float]:
    """Seconds from each call to the start that the server notes. No call waits for the one before."""

    async def start_all() -> list[float]:
        called: dict[str, float] = {}
        began = time.monotonic()
        async with asyncio.TaskGroup() as calls:
            for number in range(starts):
                await asyncio.sleep(max(0.0, began + number / A_SECOND - time.monotonic()))
                workflow_id = f"bare-{uuid4()}"
                called[workflow_id] = time.time()
                calls.create_task(bench.client.start_workflow("bench_activities", NOTHING, id=workflow_id, task_queue=NOBODY))
        return await _delays(bench, called)

    return bench.runner.run(start_all())


async def _delays(bench: Bench, since: dict[str, float]) -> list[float]:
    return [(await _started(bench, workflow_id)) - moment for workflow_id, moment in since.items()]


async def _started(bench: Bench, workflow_id: str) -> float:
    """When the server started it, in seconds. One that is still on its way is waited for."""
    handle, deadline = bench.client.get_workflow_handle(workflow_id), time.monotonic() + PATIENCE
    while True:
        try:
            return (await handle.describe()).start_time.timestamp()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND or time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)
