"""The worker's side of the projection: a workflow reports its end, an activity's task is written around it.

Each execution that this project starts carries a memo. One with the memo reports its end by one local activity, which is one
event of its history; nothing else is added to any history, so that executions from before go on as they were recorded.
"""

import logging
from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, NoReturn

from temporalio import activity, workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, is_cancelled_exception
from temporalio.worker import (  # noqa: TID251  an interceptor, not a worker
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    ExecuteWorkflowInput,
    Interceptor,
    StartActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

from apps.executions.progress import RunningTask, TaskLog, current
from apps.executions.shared import REPORT, UNTRACKED, Report, TaskRecord, kind_of, said, short
from apps.temporal.conf import MEMO

# Some seconds of attempts. A workflow does not wait longer for a row: reconcile mends it.
REPORTING = workflow.LocalActivityConfig(
    start_to_close_timeout=timedelta(seconds=10),
    retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_attempts=5),
)


class ProjectionInterceptor(Interceptor):
    """Given to the client, and so to every worker made from it."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002  the SDK's name
        """Write a task around each activity."""
        return _Activities(super().intercept_activity(next))

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:  # noqa: A002
        """Report each end."""
        return _Workflows


class _Workflows(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        self.scheduled = _Scheduled(outbound)
        super().init(self.scheduled)

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:  # noqa: A002  the SDK's name
        if not MEMO.keys() <= workflow.memo().keys() or workflow.info().workflow_type in UNTRACKED:
            return await super().execute_workflow(input)
        try:
            result = await super().execute_workflow(input)
        except (FailureError, CancelledError) as error:
            # Any other exception fails the workflow's task, not the workflow: it is tried again.
            canceled = is_cancelled_exception(error)
            await self._report("canceled" if canceled else "failed", error="" if canceled else said(error))
            raise
        await self._report("completed", result=short(result))
        return result

    async def _report(self, status: str, **more: Any) -> None:
        info = workflow.info()
        report = Report(status=status, activities=self.scheduled.activities, started_at=info.start_time, **more)
        try:
            await workflow.execute_local_activity(REPORT, report, **REPORTING)
        except ActivityError:
            workflow.logger.warning("execution_not_reported")


class _Scheduled(WorkflowOutboundInterceptor):
    """Counts activities, so that a task whose row was lost with its worker is missed."""

    activities = 0

    def start_activity(self, input: StartActivityInput) -> workflow.ActivityHandle[Any]:  # noqa: A002  the SDK's name
        self.activities += 1
        return super().start_activity(input)


class _Activities(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002  the SDK's name
        info = activity.info()
        if not info.is_local and info.workflow_id and info.workflow_type not in UNTRACKED:
            keep_lines()
            input.fn = _async_task(input.fn) if iscoroutinefunction(input.fn) else _task(input.fn)
        return await super().execute_activity(input)


def _task(fn: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(fn)
    def run(*args: Any) -> Any:
        task = _begun(args)
        try:
            result = fn(*args)
        except BaseException as error:
            _ended_badly(task, error)
        _ended_well(task, result)
        return result

    return run


def _async_task(fn: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @wraps(fn)
    async def run(*args: Any) -> Any:
        task = _begun(args)
        try:
            result = await fn(*args)
        except BaseException as error:
            _ended_badly(task, error)
        _ended_well(task, result)
        return result

    return run


def _begun(args: Sequence[Any]) -> RunningTask:
    """An input may say by `task_name` what its task is called."""
    info = activity.info()
    task = RunningTask(
        TaskRecord(
            workflow_id=info.workflow_id or "",
            workflow=info.workflow_type or "",
            run_id=info.workflow_run_id or "",
            activity_id=info.activity_id,
            name=getattr(args[0], "task_name", info.activity_type) if args else info.activity_type,
            number=info.attempt,
            status="running",
            scheduled_at=info.scheduled_time,
            started_at=info.started_time,
        )
    )
    # Nothing else runs in this context: it is the activity's own copy.
    current.set(task)
    task.stored()
    return task


def _ended_well(task: RunningTask, result: Any) -> None:
    task.stored(status="success", completed_at=datetime.now(UTC), output=short(result))


def _ended_badly(task: RunningTask, error: BaseException) -> NoReturn:
    status = "canceled" if is_cancelled_exception(error) else "failed" if _is_final(error) else "waiting"
    task.stored(status=status, completed_at=datetime.now(UTC), error=said(error))
    raise error


def _is_final(error: BaseException) -> bool:
    """Whether Temporal will not try again, as far as a worker can tell."""
    info, policy = activity.info(), activity.info().retry_policy
    if isinstance(error, ApplicationError) and error.non_retryable:
        return True
    if policy is None:
        return False
    return 0 < policy.maximum_attempts <= info.attempt or kind_of(error) in (policy.non_retryable_error_types or ())


def keep_lines() -> None:
    """Have what activities log kept with their tasks, from now on."""
    root = logging.getLogger()
    if not any(isinstance(handler, TaskLog) for handler in root.handlers):
        root.addHandler(TaskLog())
