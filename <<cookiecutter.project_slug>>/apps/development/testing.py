"""Pytest fixtures for code that uses Temporal: a real server, a real worker, ordinary synchronous tests.

`temporal` runs workflows against a real server; their activities share the test's database connection, so a plain
`@pytest.mark.django_db` suffices and everything is rolled back. Services and the outbox use that server and that worker,
too. `skipping_temporal` is the same on a server whose clock jumps over waits. `replay` replays a recorded history.
`temporal_server` is the address, for tests that start processes. No test reaches a server that the environment names.
"""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from threading import RLock
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections, transaction
from django.db.models.sql.compiler import SQLCompiler, SQLInsertCompiler
from django.test import override_settings
from temporalio.client import Client, WorkflowHandle, WorkflowHistory
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer, Worker

from apps.development.ports import free_port
from apps.development.server import DEV_SERVER_ARGS, patiently
from apps.executions import buffer
from apps.temporal import client as project_client
from apps.temporal import registry, senders
from apps.temporal.client import rest_before_exit
from apps.temporal.conf import MEMO
from apps.temporal.plugin import DjangoPlugin
from apps.temporal.queues import Limits
from apps.temporal.worker import build_worker

ROOT = Path(__file__).resolve().parents[2]
# The server's default is 4,096 events: with 50, tests reach continue-as-new within a second.
SMALL_HISTORIES = ("--dynamic-config-value", "limit.historyCount.suggestContinueAsNew=50")
# What names a program, not a server.
PROGRAMS = {"TEMPORAL_CLI", "TEMPORAL_TEST_SERVER"}
# Port 9 discards what it gets, where anything listens at all.
NOWHERE = "127.0.0.1:9"
# In seconds: what a test waits for at most. A machine that many share may stand still for ten of them, more than once.
PATIENCE = 120.0


class EventLoopThread:
    """An event loop in a thread of its own, for synchronous tests."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="test-loop", daemon=True)
        self.thread.start()

    def run[T](self, work: Coroutine[Any, Any, T], timeout: float = PATIENCE) -> T:
        """Wait for a coroutine, at most `timeout` seconds."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout)

    def close(self) -> None:
        """End the thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


class Temporal:
    """A server and a worker for one test. `client` is the SDK's own; `run` waits for what it returns."""

    def __init__(self, client: Client, loop: EventLoopThread, task_queue: str) -> None:
        self.client, self.loop, self.task_queue = client, loop, task_queue

    def run[T](self, work: Coroutine[Any, Any, T], timeout: float = PATIENCE) -> T:
        """Wait for a coroutine of the client or of a handle, at most `timeout` seconds."""
        return self.loop.run(work, timeout)

    def start(self, workflow: str, argument: Any, *, workflow_id: str | None = None) -> WorkflowHandle[Any, Any]:
        """Start a workflow by its registered name on this test's queue."""
        kind = registry.workflows()[workflow]
        work: Coroutine[Any, Any, WorkflowHandle[Any, Any]] = self.client.start_workflow(
            kind.run,  # type: ignore[attr-defined]  # every registered workflow has a run method
            args=[] if argument is None else [argument],
            id=workflow_id or f"test-{uuid4()}",
            task_queue=self.task_queue,
            memo=MEMO,
        )
        return self.run(work)

    def execute(self, workflow: str, argument: Any, *, workflow_id: str | None = None) -> Any:
        """Start a workflow and wait for its result. Raises WorkflowFailureError when it does not complete."""
        return self.run(self.start(workflow, argument, workflow_id=workflow_id).result())


@pytest.fixture(scope="session", autouse=True)
def _no_other_server() -> Iterator[None]:
    """Hide the server that the environment names: it may be the one of production."""
    with pytest.MonkeyPatch.context() as environment, override_settings(TEMPORAL_ADDRESS=NOWHERE, TEMPORAL_NAMESPACE="default"):
        for name in [name for name in os.environ if name.startswith("TEMPORAL_") and name not in PROGRAMS]:
            environment.delenv(name)
        environment.setenv("TEMPORAL_CONFIG_FILE", os.devnull)
        yield


@pytest.fixture(scope="session", autouse=True)
def _patience(_no_other_server: None) -> Iterator[None]:
    """Have the project's own code wait for a server as tests do: where the machine stands still, it is late and not away.

    Whoever gives it less time than is usual means that.
    """
    run, usual = project_client.run, project_client.TIMEOUT

    def wait(ask: Callable[[Client], Coroutine[Any, Any, Any]], *, timeout: float = usual) -> Any:
        return run(ask, timeout=timeout if timeout < usual else max(timeout, PATIENCE))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(project_client, "TIMEOUT", PATIENCE)
        patch.setattr(senders, "TIMEOUT", PATIENCE)
        patch.setattr(project_client, "run", wait)
        # Otherwise the SDK takes a machine that stands still for 2 s for a deadlock, and fails the workflow's task or query.
        patch.setenv("TEMPORAL_DEBUG", "1")
        yield


@pytest.fixture(scope="session")
def temporal_server() -> Iterator[str]:
    """The address of a real server, in memory, for the whole session."""
    port = free_port()
    command = [sys.executable, "-m", "apps.development.server", "--port", str(port), *DEV_SERVER_ARGS, *SMALL_HISTORIES]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603  our own command
        assert server.stdout is not None
        if server.stdout.readline().strip() != "ready":
            pytest.fail("The Temporal server did not start: see above.")
        try:
            yield f"127.0.0.1:{port}"
        finally:
            server.terminate()


@pytest.fixture(scope="session")
def loop_thread() -> Iterator[EventLoopThread]:
    """The event loop that this session's Temporal objects live in."""
    loop = EventLoopThread()
    yield loop
    loop.close()


@pytest.fixture(scope="session")
def temporal_client(temporal_server: str, loop_thread: EventLoopThread) -> Client:
    """A client of the session's server, made as the project makes its own."""
    rest_before_exit()
    return loop_thread.run(Client.connect(temporal_server, plugins=[DjangoPlugin()]))


@pytest.fixture(scope="session")
def skipping_client(loop_thread: EventLoopThread) -> Iterator[Client]:
    """A client of a server that skips time. Skips the test where neither TEMPORAL_TEST_SERVER nor a download is to be had."""
    path = os.environ.get("TEMPORAL_TEST_SERVER")

    def start() -> Awaitable[WorkflowEnvironment]:
        return WorkflowEnvironment.start_time_skipping(plugins=[DjangoPlugin()], test_server_existing_path=path)

    try:
        environment = loop_thread.run(patiently(start))
    except RuntimeError as error:
        if path:
            raise
        pytest.skip(f"no time-skipping server: it cannot be downloaded here ({error}); name one in TEMPORAL_TEST_SERVER")
    yield environment.client
    loop_thread.run(environment.shutdown())


@pytest.fixture
def temporal(db: None, temporal_client: Client, loop_thread: EventLoopThread) -> Iterator[Temporal]:
    """A worker with every registered workflow and activity, on a queue of its own."""
    with _working(temporal_client, loop_thread) as working:
        yield working


@pytest.fixture
def skipping_temporal(db: None, skipping_client: Client, loop_thread: EventLoopThread) -> Iterator[Temporal]:
    """As `temporal`, with a clock that jumps over waits while a result is awaited."""
    with _working(skipping_client, loop_thread) as working:
        yield working


@pytest.fixture
def replay(loop_thread: EventLoopThread) -> Callable[[type, str], None]:
    """Replay a history (JSON) against a workflow class. Raises what the SDK raises when the two do not fit."""

    def run(workflow: type, history: str) -> None:
        replayer = Replayer(workflows=[workflow], plugins=[DjangoPlugin()])
        loop_thread.run(replayer.replay_workflow(WorkflowHistory.from_json("replayed", history)))

    return run


@contextmanager
def _working(client: Client, loop: EventLoopThread) -> Iterator[Temporal]:
    task_queue = f"test-{uuid4()}"

    async def start(executor: ThreadPoolExecutor) -> tuple[Worker, asyncio.Task[None]]:
        worker = build_worker(client, task_queue=task_queue, limits=Limits(slots=1, memory=1), executor=executor)
        return worker, asyncio.create_task(worker.run())

    async def stop(worker: Worker, running: asyncio.Task[None]) -> None:
        await asyncio.gather(worker.shutdown(), running)

    address = client.service_client.config.target_host
    with (
        _sharing_connections() as executor,
        buffer.stored_by(executor),
        override_settings(TEMPORAL_ADDRESS=address, TEMPORAL_TASK_QUEUE=task_queue),
    ):
        worker = loop.run(start(executor))
        yield Temporal(client, loop, task_queue)
        loop.run(stop(*worker))


@contextmanager
def _sharing_connections() -> Iterator[ThreadPoolExecutor]:
    """One thread that uses this thread's database connections. Whoever is in a transaction has them for itself until its end."""
    shared = {alias: connections[alias] for alias in connections}
    for connection in shared.values():
        connection.inc_thread_sharing()

    def adopt() -> None:
        for alias, connection in shared.items():
            connections[alias] = connection

    with ThreadPoolExecutor(max_workers=1, initializer=adopt) as executor, ExitStack() as stack:
        alone = RLock()
        stack.enter_context(_atomic_blocks_hold(alone))
        stack.enter_context(_answers_hold(alone))
        for connection in shared.values():
            stack.enter_context(connection.execute_wrapper(partial(_query_holds, alone)))
        yield executor
    for connection in shared.values():
        connection.dec_thread_sharing()


@contextmanager
def _atomic_blocks_hold(lock: RLock) -> Iterator[None]:
    """Savepoints of two threads must not cross: the end of one would end the other."""
    enter, leave = transaction.Atomic.__enter__, transaction.Atomic.__exit__

    def begin(block: transaction.Atomic) -> None:
        lock.acquire()
        try:
            enter(block)
        except BaseException:
            lock.release()
            raise

    def end(block: transaction.Atomic, *raised: Any) -> None:
        try:
            leave(block, *raised)
        finally:
            lock.release()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transaction.Atomic, "__enter__", begin)
        patch.setattr(transaction.Atomic, "__exit__", end)
        yield


@contextmanager
def _answers_hold(lock: RLock) -> Iterator[None]:
    """A query has the connection until its rows are fetched.

    sqlite3 keeps one statement for each text: another thread that asks the same meanwhile would end it, and a row be missed.
    """
    with pytest.MonkeyPatch.context() as patch:
        for kind in (SQLCompiler, SQLInsertCompiler):
            patch.setattr(kind, "execute_sql", _held(lock, kind.execute_sql))
        yield


def _held[**P, T](lock: RLock, run: Callable[P, T]) -> Callable[P, T]:
    def held(*args: P.args, **options: P.kwargs) -> T:
        with lock:
            return run(*args, **options)

    return held


def _query_holds(lock: RLock, execute: Callable[..., Any], *query: Any) -> Any:
    with lock:
        return execute(*query)
