"""What surrounds every activity: sound database connections and log lines that carry the activity's ids."""

from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from structlog.contextvars import bound_contextvars
from temporalio import activity, workflow
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from apps.temporal.database import close_unusable_connections

# The ids are fields of a line. In its text, too, they would make each line an event of its own.
activity.logger.activity_info_on_message = False
workflow.logger.workflow_info_on_message = False


class DatabaseInterceptor(Interceptor):
    """Closes dead database connections around each activity, in the thread that runs it.

    Connections belong to threads, so only there can they be seen. Without this every activity fails once the database
    has restarted, for as long as the worker lives.
    """

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002  the SDK's name
        """Wrap the activity."""
        return _DatabaseInbound(super().intercept_activity(next))


class LogInterceptor(Interceptor):
    """Binds workflow id, run id, activity and attempt to every log line written during an activity, whoever writes it."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002  the SDK's name
        """Wrap the activity."""
        return _LogInbound(super().intercept_activity(next))


class _DatabaseInbound(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002  the SDK's name
        if not iscoroutinefunction(input.fn):
            input.fn = _with_fresh_connections(input.fn)
        return await super().execute_activity(input)


class _LogInbound(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002  the SDK's name
        info = activity.info()
        # The SDK copies the context into the executor's thread.
        with bound_contextvars(
            workflow_id=info.workflow_id, run_id=info.workflow_run_id, activity=info.activity_type, attempt=info.attempt
        ):
            return await super().execute_activity(input)


def _with_fresh_connections(fn: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(fn)
    def run(*args: Any) -> Any:
        close_unusable_connections()
        try:
            return fn(*args)
        finally:
            close_unusable_connections()

    return run
