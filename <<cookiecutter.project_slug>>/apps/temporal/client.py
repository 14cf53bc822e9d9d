"""Temporal for synchronous code: one event-loop thread and one client per process.

Connecting for each call would cost four times the call itself. After a fork the child makes its own thread, client and
runtime, since none of the parent's survives.
"""

import asyncio
import atexit
import os
import re
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.errordetails.v1 import NamespaceNotFoundFailure
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle, WorkflowQueryFailedError
from temporalio.common import Priority, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.service import RPCError, RPCStatusCode

from apps.temporal import queues
from apps.temporal.conf import MEMO, connect_config, sdk_logging
from apps.temporal.exceptions import ExecutionFailed, ExecutionNotFound, Refused, StillRunning, TemporalUnavailable
from apps.temporal.plugin import DjangoPlugin

TIMEOUT = 5.0
REST_SECONDS = 0.1


@dataclass(frozen=True)
class ExecutionDescription:
    """What the server says of an execution. `status` is running, completed, failed, canceled, terminated or timed_out."""

    workflow_id: str
    run_id: str
    workflow: str
    status: str
    started_at: datetime
    closed_at: datetime | None


async def connect(runtime: Runtime | None = None) -> Client:
    """A new client for asynchronous code, made as the settings say. Raises RuntimeError when the server does not answer."""
    rest_before_exit()
    return await Client.connect(
        **connect_config(), plugins=[DjangoPlugin()], runtime=runtime, connect_timeout=timedelta(seconds=TIMEOUT)
    )


@cache
def rest_before_exit() -> None:
    """Let the SDK's threads come to rest before Python ends: one that still hands over its last answer crashes the process.

    Without it a fifth of the short commands ended with a segmentation fault. https://github.com/temporalio/sdk-python/issues/300
    """
    atexit.register(time.sleep, REST_SECONDS)


async def start(client: Client, workflow: str, argument: Any, *, workflow_id: str, where: queues.Route) -> None:
    """Start an execution, unless one of that id exists or existed: so it may be called again for the same start.

    Raises RPCError.
    """
    with suppress(WorkflowAlreadyStartedError):
        await client.start_workflow(
            workflow,
            argument,
            id=workflow_id,
            task_queue=where.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            priority=Priority(fairness_key=where.fairness_key or None),
            memo=MEMO,
        )


def start_workflow(
    workflow: str, argument: Any, *, workflow_id: str, tenant: str = "", task_queue: str = "", timeout: float = TIMEOUT
) -> None:
    """Start an execution now, once for an id. For code that no row depends on; other starts go through outbox.enqueue_start.

    Raises Refused when the server will never take it, TemporalUnavailable when it could not be asked (timeout in seconds).
    """

    async def ask(client: Client) -> None:
        try:
            await start(client, workflow, argument, workflow_id=workflow_id, where=queues.route(tenant, task_queue))
        except RPCError as error:
            if error.status is RPCStatusCode.INVALID_ARGUMENT:
                raise Refused(f"Temporal refused the start of {workflow_id}: {error.message}.") from error
            raise

    run(ask, timeout=timeout)


def execute(workflow: str, argument: Any, *, workflow_id: str, tenant: str = "", task_queue: str = "", timeout: float) -> Any:
    """Start an execution as start_workflow does and wait for its result as result does, together at most `timeout` seconds."""
    began = time.monotonic()
    start_workflow(workflow, argument, workflow_id=workflow_id, tenant=tenant, task_queue=task_queue, timeout=timeout)
    return result(workflow_id, timeout=timeout - (time.monotonic() - began))


def query(workflow_id: str, name: str, *arguments: Any, timeout: float = TIMEOUT) -> Any:
    """Ask an execution, which a worker answers, and give its answer as plain JSON values.

    Raises ExecutionNotFound, ExecutionFailed when the query itself fails, TemporalUnavailable (timeout in seconds).
    """

    async def ask(handle: WorkflowHandle[Any, Any]) -> Any:
        try:
            return await handle.query(name, args=arguments)
        except WorkflowQueryFailedError as error:
            raise ExecutionFailed(f"{workflow_id} did not answer {name}: {error}.") from error

    return _with_handle(workflow_id, ask, timeout)


def describe(workflow_id: str, *, timeout: float = TIMEOUT) -> ExecutionDescription:
    """What the server knows of the latest run. Raises ExecutionNotFound or TemporalUnavailable (timeout in seconds)."""

    async def ask(handle: WorkflowHandle[Any, Any]) -> ExecutionDescription:
        found = await handle.describe()
        return ExecutionDescription(
            workflow_id=found.id,
            run_id=found.run_id,
            workflow=found.workflow_type,
            status=found.status.name.lower() if found.status else "unknown",
            started_at=found.start_time,
            closed_at=found.close_time,
        )

    return _with_handle(workflow_id, ask, timeout)


def cancel(workflow_id: str, *, timeout: float = TIMEOUT) -> None:
    """Ask an execution to stop cleanly. Raises ExecutionNotFound or TemporalUnavailable (timeout in seconds)."""

    async def ask(handle: WorkflowHandle[Any, Any]) -> None:
        await handle.cancel()

    _with_handle(workflow_id, ask, timeout)


def result(workflow_id: str, *, timeout: float) -> Any:
    """Wait for an execution's end, at most `timeout` seconds, and give its result as plain JSON values.

    Raises ExecutionFailed when it ended otherwise, StillRunning when it has not ended, ExecutionNotFound or TemporalUnavailable.
    """

    async def ask(handle: WorkflowHandle[Any, Any]) -> Any:
        try:
            return await asyncio.wait_for(handle.result(), timeout)
        except TimeoutError:
            raise StillRunning(f"{workflow_id} has not ended within {timeout:g} s; it goes on.") from None
        except WorkflowFailureError as error:
            raise ExecutionFailed(f"{workflow_id} did not complete: {error.cause}.") from error

    return _with_handle(workflow_id, ask, timeout + TIMEOUT)


def health(timeout: float = 1.0) -> str:
    """Nothing when the server answers within `timeout` seconds, else one sentence that says what is wrong."""

    async def ask(client: Client) -> None:
        await client.service_client.check_health(timeout=timedelta(seconds=timeout))

    try:
        run(ask, timeout=timeout)
    except TemporalUnavailable as error:
        return str(error)
    return ""


def pollers(task_queue: str, *, timeout: float = TIMEOUT) -> int:
    """How many workers polled a queue within the last minutes. Raises TemporalUnavailable (timeout in seconds)."""

    async def ask(client: Client) -> int:
        found: set[str] = set()
        for kind in (TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY):
            request = DescribeTaskQueueRequest(
                namespace=client.namespace, task_queue=TaskQueue(name=task_queue), task_queue_type=kind
            )
            answer = await client.workflow_service.describe_task_queue(request, retry=True)
            found |= {poller.identity for poller in answer.pollers}
        return len(found)

    return run(ask, timeout=timeout)


def run[T](ask: Callable[[Client], Coroutine[Any, Any, T]], *, timeout: float = TIMEOUT) -> T:
    """Run a coroutine function with this process's client from synchronous code and wait for it, at most `timeout` seconds.

    Raises TemporalUnavailable when the server cannot be reached in that time. Not for use inside a running event loop.
    """
    portal = _portal()

    async def call() -> T:
        return await ask(await portal.client())

    future = asyncio.run_coroutine_threadsafe(asyncio.wait_for(call(), timeout), portal.loop)
    try:
        return future.result()
    except TimeoutError as error:
        raise _unavailable(f"no answer within {timeout:g} s") from error
    except RPCError as error:
        # A namespace that is missing is the server's trouble, not the execution's: it may be made any time.
        if error.status is RPCStatusCode.NOT_FOUND and not is_about_namespace(error):
            raise ExecutionNotFound(f"{error.message[:1].upper()}{error.message[1:].rstrip('.')}.") from error
        raise _unavailable(error.message.rstrip(".")) from error


def _with_handle[T](workflow_id: str, ask: Callable[[WorkflowHandle[Any, Any]], Coroutine[Any, Any, T]], timeout: float) -> T:
    return run(lambda client: ask(client.get_workflow_handle(workflow_id)), timeout=timeout)


def is_about_namespace(error: RPCError) -> bool:
    """Whether what was not found is the namespace."""
    return any(detail.Is(NamespaceNotFoundFailure.DESCRIPTOR) for detail in error.grpc_status.details)


def _unavailable(reason: str) -> TemporalUnavailable:
    address = connect_config().get("target_host")
    return TemporalUnavailable(
        f"Temporal at {address} cannot be used ({reason}): check TEMPORAL_ADDRESS, or start it with `manage.py dev`."
    )


class _Portal:
    """The thread, loop and client of one process for one address and namespace."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.runtime = Runtime(telemetry=TelemetryConfig(logging=sdk_logging()))
        self._client: Client | None = None
        self._connecting = asyncio.Lock()
        threading.Thread(target=self.loop.run_forever, name="temporal-client", daemon=True).start()

    async def client(self) -> Client:
        async with self._connecting:
            if self._client is None:
                try:
                    self._client = await connect(self.runtime)
                except RuntimeError as error:
                    # The SDK's own error when a connection cannot be made: of its nested parts the innermost is worth reading.
                    said = re.findall(r'message: "([^"]+)"', str(error))
                    raise _unavailable(said[-1] if said else str(error)) from error
            return self._client


_portals: dict[tuple[int, str, str], _Portal] = {}
_lock = threading.Lock()
os.register_at_fork(after_in_child=lambda: globals().update(_lock=threading.Lock()))


def _portal() -> _Portal:
    config = connect_config()
    key = (os.getpid(), config["target_host"], config["namespace"])
    with _lock:
        if key not in _portals:
            _portals[key] = _Portal()
        return _portals[key]
