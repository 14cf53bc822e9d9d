"""How long a worker's process takes from its start to its first poll."""

import time
from functools import partial
from tempfile import TemporaryDirectory

from bench.figures import Figure, Size, take_turns
from bench.processes import BARE, OURS, Bench, worker
from bench.shared import ActivitiesInput


def to_first_poll(bench: Bench, size: Size) -> list[Figure]:
    """With the bytecode of everything at hand, and with none: what an image has that was never compiled."""
    with TemporaryDirectory() as compiled, TemporaryDirectory() as empty:
        environments = {
            "with bytecode": {"PYTHONPYCACHEPREFIX": compiled, "PYTHONDONTWRITEBYTECODE": ""},
            "without": {"PYTHONPYCACHEPREFIX": empty, "PYTHONDONTWRITEBYTECODE": "1"},
        }
        if not size.bytecode:
            environments = {"as it is": {}}
        for kind in (OURS, BARE) if size.bytecode else ():
            _first_poll(bench, kind, environments["with bytecode"])
        return [
            Figure(
                what=f"start to first poll, {what}",
                unit="s",
                ours=ours,
                against="bare SDK",
                theirs=theirs,
                compare="difference",
                at_most=0.3,
            )
            for what, environment in environments.items()
            for ours, theirs in [
                take_turns(
                    size.rounds,
                    partial(_first_poll, bench, OURS, environment),
                    partial(_first_poll, bench, BARE, environment),
                )
            ]
        ]


def _first_poll(bench: Bench, kind: str, environment: dict[str, str]) -> float:
    """A workflow waits already: the server notes when a worker takes it."""
    queue = f"{kind}-starting"
    handle = bench.start("bench_activities", ActivitiesInput(activity="bench_no_op", times=0), queue=queue)
    began = time.time()
    with worker(kind, queue, **environment):
        bench.result(handle)
    history = bench.runner.run(handle.fetch_history())
    return next(
        event.event_time.ToMicroseconds() / 1_000_000 - began
        for event in history.events
        if event.HasField("workflow_task_started_event_attributes")
    )
