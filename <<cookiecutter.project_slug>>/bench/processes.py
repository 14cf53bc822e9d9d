"""The two kinds of worker that are compared, each in a process of its own, and a bare client to load them with."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from temporalio.client import Client, WorkflowHandle

from bench.shared import ActivitiesInput

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 600.0
# The kinds, and the queues of the pair that is compared.
OURS, BARE = "bench-ours", "bench-bare"
COMMANDS = {
    OURS: [sys.executable, "manage.py", "runworker", "--task-queue"],
    BARE: [sys.executable, "-m", "bench.bare"],
}


@contextmanager
def worker(kind: str, queue: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of this project (OURS) or one of the bare SDK (BARE) for a queue, until the block ends."""
    command = [*COMMANDS[kind], queue]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment})  # noqa: S603  our own command
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


class Bench:
    """What a row works with: a bare client for synchronous code, and one worker of each kind that wait for load in turns."""

    def __init__(self, client: Client, runner: asyncio.Runner, stack: ExitStack) -> None:
        self.client, self.runner = client, runner
        self._stack, self._pair_is_up = stack, False

    def start(self, workflow: str, argument: Any, *, queue: str) -> WorkflowHandle[Any, Any]:
        """Start a workflow."""
        return self.runner.run(self.client.start_workflow(workflow, argument, id=f"{workflow}-{uuid4()}", task_queue=queue))

    def result(self, handle: WorkflowHandle[Any, Any]) -> Any:
        """Wait for its end. Raises TimeoutError when it does not come: a worker that could not start has said why."""
        return self.runner.run(asyncio.wait_for(handle.result(), PATIENCE))

    def warm_up(self, queue: str) -> None:
        """Wait for the queue's worker, and let each of its threads open its connection. Needs a row."""
        wanted = ActivitiesInput(activity="bench_orm", times=40, together=True)
        self.result(self.start("bench_activities", wanted, queue=queue))

    def pair(self) -> None:
        """Have the two workers up and warm."""
        if not self._pair_is_up:
            for kind in (OURS, BARE):
                self._stack.enter_context(worker(kind, kind))
            self._pair_is_up = True
        for queue in (OURS, BARE):
            self.warm_up(queue)


@contextmanager
def benching() -> Iterator[Bench]:
    """A client of the bench's server, and whatever workers its rows start."""
    with ExitStack() as stack:
        runner = stack.enter_context(asyncio.Runner())
        yield Bench(runner.run(Client.connect(os.environ["TEMPORAL_ADDRESS"])), runner, stack)


def peak_memory(process: subprocess.Popen[bytes]) -> float | None:
    """The most that a running process has held at once, in MiB. None where the system does not tell."""
    status = Path(f"/proc/{process.pid}/status")
    peak = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(peak[1]) / 1024 if peak else None
