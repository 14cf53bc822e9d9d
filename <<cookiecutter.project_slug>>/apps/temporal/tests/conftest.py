"""What several tests of this folder need."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import connections
from pytest_django import Settings
from temporalio.client import Client

from apps.development.testing import PATIENCE, EventLoopThread
from apps.temporal import registry
from apps.temporal.queues import Limits
from apps.temporal.tests.parcels import patched
from apps.temporal.tests.parcels.depot import Depot
from apps.temporal.tests.probe import ProbeWorkflow
from apps.temporal.worker import LOCAL_ACTIVITY_THREADS, build_worker


@pytest.fixture
def server(temporal_server: str, settings: Settings) -> str:
    """The session's server, as the one that the settings name."""
    settings.TEMPORAL_ADDRESS, settings.TEMPORAL_TASK_QUEUE = temporal_server, "nobody-polls-this"
    return temporal_server


class Probe:
    """Runs an activity many times on a worker made as the project makes its own, and gives how often it succeeded."""

    def __init__(self, client: Client, loop: EventLoopThread, monkeypatch: pytest.MonkeyPatch) -> None:
        self.client, self.loop, self.monkeypatch = client, loop, monkeypatch
        self.workflow_id = f"probe-{uuid4()}"

    def __call__(self, activity: Callable[[], None], *, times: int, slots: int, attempts: int = 1) -> int:
        """`slots` at once, each tried `attempts` times at most."""
        self.monkeypatch.setattr(registry, "workflows", lambda: {"ProbeWorkflow": ProbeWorkflow})
        self.monkeypatch.setattr(registry, "activities", lambda: {activity.__name__: activity})
        threads = slots + LOCAL_ACTIVITY_THREADS
        with ThreadPoolExecutor(threads) as executor:
            succeeded = self.loop.run(self._run(activity.__name__, times, slots, attempts, executor))
            _close_connections(executor, threads)
        return succeeded

    async def _run(self, activity: str, times: int, slots: int, attempts: int, executor: ThreadPoolExecutor) -> int:
        queue = f"{self.workflow_id}-queue"
        async with build_worker(self.client, task_queue=queue, limits=Limits(slots=slots, memory=1), executor=executor):
            return await self.client.execute_workflow(
                ProbeWorkflow.run, args=[activity, times, attempts], id=self.workflow_id, task_queue=queue
            )


@pytest.fixture
def probe(temporal_client: Client, loop_thread: EventLoopThread, monkeypatch: pytest.MonkeyPatch) -> Probe:
    """See Probe."""
    return Probe(temporal_client, loop_thread, monkeypatch)


def _close_connections(executor: ThreadPoolExecutor, threads: int) -> None:
    # Each thread has its own, and only it can close them: the barrier keeps a thread from doing two of these jobs.
    meeting = Barrier(threads)

    def close(_: int) -> None:
        meeting.wait(PATIENCE)
        connections.close_all()

    list(executor.map(close, range(threads)))


@pytest.fixture
def depot(
    request: pytest.FixtureRequest,
    server: str,
    temporal_client: Client,
    loop_thread: EventLoopThread,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Depot]:
    """See Depot. It works with the patched workflow, or the one whose module is the parameter."""
    found = Depot(temporal_client, loop_thread, monkeypatch)
    found.deploy(getattr(request, "param", patched).ParcelWorkflow)
    yield found
    found.close()
