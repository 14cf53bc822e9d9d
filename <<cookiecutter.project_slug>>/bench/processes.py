"""The two kinds of worker that are compared, each in a process of its own, and a bare client to load them with."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from temporalio.client import Client, WorkflowHandle

from bench.shared import ActivitiesInput

ROOT = Path(__file__).resolve().parents[1]
OURS, BARE = "bench-ours", "bench-bare"
COMMANDS = {
    OURS: [sys.executable, "manage.py", "runworker", "--task-queue", OURS],
    BARE: [sys.executable, "-m", "bench.bare"],
}


@contextmanager
def worker(queue: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of this project (OURS) or one of the bare SDK (BARE), until the block ends."""
    process = subprocess.Popen(COMMANDS[queue], cwd=ROOT, env={**os.environ, **environment})  # noqa: S603  our own command
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


@dataclass(frozen=True)
class Load:
    """A bare client that starts workflows, for synchronous code."""

    client: Client
    runner: asyncio.Runner

    def start(self, workflow: str, argument: Any, *, queue: str) -> WorkflowHandle[Any, Any]:
        """Start one."""
        return self.runner.run(self.client.start_workflow(workflow, argument, id=f"{workflow}-{uuid4()}", task_queue=queue))

    def result(self, handle: WorkflowHandle[Any, Any]) -> Any:
        """Wait for its end."""
        return self.runner.run(handle.result())

    def warm_up(self, queue: str, activity: str = "bench_no_op") -> None:
        """Wait for the queue's worker, and let it open its connections."""
        wanted = ActivitiesInput(activity=activity, times=40, together=True)
        self.result(self.start("bench_activities", wanted, queue=queue))


@contextmanager
def load() -> Iterator[Load]:
    """A client of the bench's server."""
    with asyncio.Runner() as runner:
        yield Load(runner.run(Client.connect(os.environ["TEMPORAL_ADDRESS"])), runner)


def peak_memory(process: subprocess.Popen[bytes]) -> float | None:
    """The most that a running process has held at once, in MiB. None where the system does not tell."""
    status = Path(f"/proc/{process.pid}/status")
    peak = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(peak[1]) / 1024 if peak else None
