"""How tasks of django.tasks reach Temporal, and what it says of them. The backend: backends.py. Where they run: activities.py.

A task is a standalone activity. Where the server has none it is a workflow of one activity; so is a task that is to run later,
since servers up to 1.31 start a standalone activity at once whatever its delay.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from traceback import format_exception
from typing import Any

from django.tasks import TaskResult, TaskResultStatus
from django.tasks.base import TaskError
from django.utils.module_loading import import_string
from pydantic import TypeAdapter
from temporalio import common
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.client import ActivityFailureError, Client, WorkflowFailureError
from temporalio.exceptions import ActivityAlreadyStartedError, ActivityError, ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from apps.tasks.shared import ACTIVITY, WORKFLOW, TaskCall, TaskRun
from apps.temporal.models import OutboxMessage

# Attempts beside the task's own: their worker died, was stopped or did not know the task, or they took too long.
LOST_ATTEMPTS = 3

type Result = TaskResult[..., Any]

call_of = TypeAdapter(TaskCall).validate_python
_run_of = TypeAdapter(TaskRun).validate_python
_without_standalone: set[str] = set()


def result_of(
    call: TaskCall, status: TaskResultStatus, run: TaskRun | None = None, *errors: TaskError, at: datetime | None = None
) -> Result:
    """What is known of a task, as django.tasks has it; finished `at`. Raises ImportError where this process has no such task."""
    task = import_string(call.task)
    started_at = run.started_at if run else None
    result: Result = TaskResult(
        task=task.using(priority=call.priority, queue_name=call.queue_name, run_after=call.run_after, backend=call.backend),
        id=call.id,
        status=status,
        enqueued_at=call.enqueued_at,
        started_at=started_at,
        last_attempted_at=started_at,
        finished_at=at,
        args=call.args,
        kwargs=call.kwargs,
        backend=call.backend,
        errors=list(errors),
        # Temporal keeps the worker of the latest attempt.
        worker_ids=[*["unknown"] * (run.attempt - 1), run.worker_id] if run else [],
    )
    object.__setattr__(result, "_return_value", run.value if run else None)
    return result


def error_of(error: BaseException) -> TaskError:
    """An exception, as django.tasks has it."""
    path = f"{type(error).__module__}.{type(error).__qualname__}"
    return TaskError(exception_class_path=path, traceback="".join(format_exception(error)))


def retries(call: TaskCall) -> common.RetryPolicy:
    """How often a task is tried."""
    return common.RetryPolicy(maximum_attempts=call.max_attempts + LOST_ATTEMPTS)


async def send_activity(client: Client, message: OutboxMessage) -> None:
    """Start the task of an outbox message, once, however often it is sent. Raises RPCError."""
    call = call_of(message.payload)
    # Temporal's most urgent is 1, its usual 3, its least 5.
    priority = common.Priority(priority_key=3 - round(call.priority / 50))

    async def start_activity() -> Any:
        return await client.start_activity(
            ACTIVITY,
            call,
            id=call.id,
            task_queue=call.task_queue,
            id_conflict_policy=common.ActivityIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=common.ActivityIDReusePolicy.REJECT_DUPLICATE,
            start_to_close_timeout=call.timeout,
            heartbeat_timeout=call.heartbeat,
            retry_policy=retries(call),
            priority=priority,
            summary=call.task,
        )

    with suppress(ActivityAlreadyStartedError, WorkflowAlreadyStartedError):
        if await _standalone(client, call, start_activity) is None:
            delay = (call.run_after or call.enqueued_at) - datetime.now(UTC)
            await client.start_workflow(
                WORKFLOW,
                call,
                id=call.id,
                task_queue=call.task_queue,
                id_conflict_policy=common.WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=common.WorkflowIDReusePolicy.REJECT_DUPLICATE,
                priority=priority,
                static_summary=call.task,
                start_delay=max(delay, timedelta()),
            )


async def find(client: Client, call: TaskCall) -> Result:
    """What Temporal says of a task that was sent. Raises RPCError: NOT_FOUND when it knows it no longer."""
    handle: Any = client.get_activity_handle(call.id, result_type=TaskRun)
    if found := await _standalone(client, call, handle.describe):
        info, state = found.raw_info, found.run_state
    else:
        handle = client.get_workflow_handle(call.id, result_type=TaskRun)
        found = await handle.describe()
        info = next(iter(found.raw_description.pending_activities), None)
        state = info and info.state
    if found.close_time is None:
        if state != PendingActivityState.PENDING_ACTIVITY_STATE_STARTED:
            return result_of(call, TaskResultStatus.READY)
        started_at = info.last_started_time.ToDatetime(UTC)
        run = TaskRun(attempt=info.attempt, worker_id=info.last_worker_identity, started_at=started_at)
        return result_of(call, TaskResultStatus.RUNNING, run)
    try:
        return result_of(call, TaskResultStatus.SUCCESSFUL, await handle.result(), at=found.close_time)
    except (ActivityFailureError, WorkflowFailureError) as failure:
        return _failed(call, failure, found.close_time)


async def _standalone(client: Client, call: TaskCall, ask: Callable[[], Awaitable[Any]]) -> Any:
    """The server's answer, None where it has no standalone activities or not this one. It is asked once whether it has them."""
    server = f"{client.service_client.config.target_host} {client.namespace}"
    if call.run_after is None and server not in _without_standalone:
        try:
            return await ask()
        except RPCError as error:
            if error.status is RPCStatusCode.UNIMPLEMENTED:
                _without_standalone.add(server)
            elif error.status is not RPCStatusCode.NOT_FOUND:
                raise
    return None


def _failed(call: TaskCall, failure: BaseException, at: datetime) -> Result:
    cause = failure.__cause__ or failure
    if isinstance(cause, ActivityError):
        cause = cause.__cause__ or cause
    if isinstance(cause, ApplicationError) and cause.details:
        run = _run_of(cause.details[0])
        error = TaskError(exception_class_path=cause.type or "", traceback=run.traceback)
        return result_of(call, TaskResultStatus.FAILED, run, error, at=at)
    # Cancelled, terminated, lost, or not known to any worker.
    return result_of(call, TaskResultStatus.FAILED, None, error_of(cause), at=at)
