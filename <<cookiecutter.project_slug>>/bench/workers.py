"""What this project adds to each activity: its worker against a bare one, on the same server, in turns."""

import asyncio
import time

from django.db import connection

from apps.temporal.conf import MEMO
from bench.figures import Figure, Size, percentile, take_turns
from bench.people import make_people
from bench.processes import BARE, OURS, Bench, worker
from bench.shared import ActivitiesInput

AT_ONCE = 50
THREE_ACTIVITIES, FEW = 3, 3
SEEN, UNSEEN = "bench-seen", "bench-unseen"


def no_op(bench: Bench, size: Size) -> list[Figure]:
    """Throughput and latency of activities that do nothing."""
    return _compare(bench, size, "no-op activities", "bench_no_op")


def orm(bench: Bench, size: Size) -> list[Figure]:
    """Throughput and latency of activities that read and write a row."""
    return _compare(bench, size, "ORM activities", "bench_orm")


def concurrency(bench: Bench, size: Size) -> list[Figure]:
    """20 activities of 0.1 s at once."""
    make_people(1)
    bench.pair()
    ours, theirs = take_turns(size.rounds, lambda: _span(bench, OURS), lambda: _span(bench, BARE))
    what = "20 activities of 0.1 s"
    return [Figure(what=what, unit="s", ours=ours, against="bare SDK", theirs=theirs, compare="value", at_most=0.3)]


def executions(bench: Bench, size: Size) -> list[Figure]:
    """Throughput with every execution and every task written to the database, against the same worker that writes none."""
    make_people(1)
    with worker(OURS, SEEN, BENCH_EXECUTIONS="on"), worker(OURS, UNSEEN):
        for queue in (SEEN, UNSEEN):
            bench.warm_up(queue)

        def turn(queue: str) -> float:
            return bench.runner.run(_many(bench, queue, "bench_orm", size.workflows))[0]

        ours, theirs = take_turns(size.rounds, lambda: turn(SEEN), lambda: turn(UNSEEN))
        more = [events(bench, SEEN) - events(bench, UNSEEN)]
    limit = 0.8 if connection.vendor == "postgresql" else None
    rate = "ORM activities with executions"
    return [
        Figure(what=rate, unit="a second", ours=ours, against="without", theirs=theirs, at_least=limit),
        Figure(what="events that executions add", unit="a workflow", ours=more, compare="value", at_most=2),
    ]


def events(bench: Bench, queue: str) -> int:
    """The length of the shortest history of a few workflows: one that was interrupted has more events, of failed tasks."""
    wanted = ActivitiesInput(activity="bench_no_op", times=THREE_ACTIVITIES)
    lengths = list[int]()
    for _ in range(FEW):
        start = bench.client.start_workflow(
            "bench_activities", wanted, id=f"{queue}-{time.time_ns()}", task_queue=queue, memo=MEMO
        )
        handle = bench.runner.run(start)
        bench.result(handle)
        lengths.append(bench.runner.run(handle.describe()).history_length)
    return min(lengths)


def _span(bench: Bench, queue: str) -> float:
    """Seconds from the first start to the last end."""
    wanted = ActivitiesInput(activity="bench_wait_and_query", times=20, together=True)
    began, ended = zip(*bench.result(bench.start("bench_activities", wanted, queue=queue)), strict=True)
    return float(max(ended) - min(began))


def _compare(bench: Bench, size: Size, what: str, activity: str) -> list[Figure]:
    make_people(1)
    bench.pair()

    def turn(queue: str) -> tuple[float, float]:
        return bench.runner.run(_many(bench, queue, activity, size.workflows))

    ours, theirs = take_turns(size.rounds, lambda: turn(OURS), lambda: turn(BARE))
    (rate, latency), (their_rate, their_latency) = zip(*ours, strict=True), zip(*theirs, strict=True)
    latency_of = f"{what}, p95 of a workflow"
    return [
        Figure(what=what, unit="a second", ours=rate, against="bare SDK", theirs=their_rate, at_least=0.95),
        Figure(what=latency_of, unit="s", ours=latency, against="bare SDK", theirs=their_latency, at_most=1.05),
    ]


async def _many(bench: Bench, queue: str, activity: str, workflows: int) -> tuple[float, float]:
    """Activities a second, and the p95 from a workflow's start to its result, in seconds, at AT_ONCE workflows at a time."""
    places, seconds = asyncio.Semaphore(AT_ONCE), list[float]()
    wanted = ActivitiesInput(activity=activity, times=THREE_ACTIVITIES)

    async def one(number: int) -> None:
        async with places:
            began = time.perf_counter()
            await bench.client.execute_workflow(
                "bench_activities", wanted, id=f"{queue}-{number}-{time.time_ns()}", task_queue=queue, memo=MEMO
            )
            seconds.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(one(number) for number in range(workflows)))
    return workflows * THREE_ACTIVITIES / (time.perf_counter() - began), percentile(seconds, 0.95)
