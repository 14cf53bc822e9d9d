"""Where parcels are worked on: a worker for one of this folder's workflows, whose activities say that they ran."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any
from uuid import uuid4

import pytest
from temporalio import activity
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from apps.development.testing import EventLoopThread
from apps.temporal import registry
from apps.temporal.queues import Limits
from apps.temporal.worker import build_worker


class Depot:
    """`done` is what was done, in its order. What is `broken` fails for good.

    What is `late` is held at its first attempt, `waiting`, until it may `go_on` or its worker is told to stop: then it fails.
    """

    def __init__(self, client: Client, loop: EventLoopThread, monkeypatch: pytest.MonkeyPatch) -> None:
        self.client, self.loop, self.monkeypatch = client, loop, monkeypatch
        self.queue = f"parcels-{uuid4()}"
        self.done: list[str] = []
        self.broken = self.late = ""
        self.waiting, self.go_on = Event(), Event()
        self.executor = ThreadPoolExecutor(5)
        self.worker: Worker | None = None

    def deploy(self, workflow: type) -> None:
        """Make a workflow the only one of this project, here and in the commands, and give it a worker."""
        activities = {name: self._activity(name) for name in ("pack", "insure", "send")}
        self.monkeypatch.setattr(registry, "workflows", lambda: {"ParcelWorkflow": workflow})
        self.monkeypatch.setattr(registry, "activities", lambda: activities)
        self.close()
        self.worker = self.loop.run(self._working())

    def close(self) -> None:
        """End the worker."""
        if self.worker:
            self.loop.run(self.worker.shutdown())

    def start(self, parcel: str = "p1") -> WorkflowHandle[Any, Any]:
        """Begin a parcel."""
        start = self.client.start_workflow("ParcelWorkflow", parcel, id=f"parcel-{uuid4()}", task_queue=self.queue)
        return self.loop.run(start)

    def result(self, handle: WorkflowHandle[Any, Any]) -> Any:
        """Wait for the latest run's result."""
        return self.loop.run(self.client.get_workflow_handle(handle.id).result())

    def fail(self, broken: str) -> WorkflowHandle[Any, Any]:
        """A parcel for which this could not be done. Afterwards it can."""
        self.broken = broken
        handle = self.start()
        with pytest.raises(WorkflowFailureError):
            self.result(handle)
        self.broken = ""
        return handle

    async def _working(self) -> Worker:
        limits = Limits(slots=1, memory=1)
        return await build_worker(self.client, task_queue=self.queue, limits=limits, executor=self.executor).__aenter__()

    def _wait(self) -> None:
        self.waiting.set()
        while not (self.go_on.wait(0.02) or activity.is_worker_shutdown()):
            pass

    def _activity(self, name: str) -> Callable[[str], str]:
        @activity.defn(name=name)
        def work(parcel: str) -> str:
            self.done.append(name)
            is_late = name == self.late and activity.info().attempt == 1
            if is_late:
                self._wait()
            if is_late or name == self.broken:
                raise ApplicationError(f"cannot {name} it", non_retryable=name == self.broken)
            return f"{name}-{parcel}"

        return work
