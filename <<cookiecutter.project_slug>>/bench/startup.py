"""How long a worker's process takes from its start to its first poll."""

import time
from tempfile import TemporaryDirectory

from bench.figures import Figure, Size, take_turns
from bench.processes import BARE, OURS, Load, load, worker
from bench.shared import ActivitiesInput


def to_first_poll(size: Size) -> list[Figure]:
    """With the bytecode of everything at hand, and with none: what an image has that was never compiled."""
    with load() as bench, TemporaryDirectory() as compiled, TemporaryDirectory() as empty:
        kept = {"PYTHONPYCACHEPREFIX": compiled, "PYTHONDONTWRITEBYTECODE": ""}
        never = {"PYTHONPYCACHEPREFIX": empty, "PYTHONDONTWRITEBYTECODE": "1"}
        for queue in (OURS, BARE):
            _first_poll(bench, queue, kept)
        sides = [(queue, environment) for environment in (kept, never) for queue in (OURS, BARE)]
        turns = [lambda side=side: _first_poll(bench, *side) for side in sides]
        ours, bare, ours_without, bare_without = take_turns(size.rounds, *turns)
    return [
        Figure(
            what=f"start to first poll, {what}",
            unit="s",
            ours=here,
            against="bare SDK",
            theirs=there,
            compare="difference",
            at_most=0.3,
        )
        for what, here, there in (
            ("with bytecode", ours, bare),
            ("without", ours_without, bare_without),
        )
    ]


def _first_poll(bench: Load, queue: str, environment: dict[str, str]) -> float:
    """A workflow waits already: the server notes when a worker takes it."""
    handle = bench.start("bench_activities", ActivitiesInput(activity="bench_no_op", times=0), queue=queue)
    began = time.time()
    with worker(queue, **environment):
        bench.result(handle)
    history = bench.runner.run(handle.fetch_history())
    return next(
        event.event_time.ToMicroseconds() / 1_000_000 - began
        for event in history.events
        if event.HasField("workflow_task_started_event_attributes")
    )
