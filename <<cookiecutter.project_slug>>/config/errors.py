"""Errors go to Sentry where SENTRY_DSN is set: those of requests, of log lines, of activities and of workflows.

What they were about stays here: no payloads, no local variables, no addresses, no bodies, no users. Imports stand where they
are needed, as in tracing.py: these take 0.7 s.
"""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from temporalio import activity, workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory, is_cancelled_exception
from temporalio.worker import (  # noqa: TID251  an interceptor, not a worker
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    ExecuteWorkflowInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

# An activity without a limit never has a last attempt. After so many somebody should look.
MANY_ATTEMPTS = 10


def set_up() -> None:
    """Send this process's errors."""
    if not settings.SENTRY_DSN:
        return
    import sentry_sdk  # noqa: PLC0415  as said above

    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        before_send=without_request,
        include_local_variables=False,
        max_request_body_size="never",
        send_default_pii=False,
    )


def without_request(event: "Event", _hint: "Hint") -> "Event":
    """The event without address, query and headers of the request. Its route stays, as the event's transaction."""
    event.pop("request", None)
    return event


class ErrorInterceptor(Interceptor):
    """Reports activities that will not be tried again or were tried MANY_ATTEMPTS times, and workflows that fail."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002  the SDK's name
        """Wrap the activity."""
        return _Activity(super().intercept_activity(next))

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:  # noqa: A002
        """Wrap the workflow."""
        return _Workflow


class _Activity(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002  the SDK's name
        try:
            return await super().execute_activity(input)
        except Exception as error:
            info = activity.info()
            if _matters(error) and _calls_for_help(info, error):
                _report(
                    error,
                    workflow_id=info.workflow_id,
                    run_id=info.workflow_run_id,
                    workflow=info.workflow_type,
                    activity=info.activity_type,
                    attempt=info.attempt,
                    task_queue=info.task_queue,
                )
            raise


class _Workflow(WorkflowInboundInterceptor):
    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:  # noqa: A002  the SDK's name
        try:
            return await super().execute_workflow(input)
        except Exception as error:
            if _matters(error) and not workflow.unsafe.is_replaying():
                info = workflow.info()
                # Sentry reads clock and source files.
                with workflow.unsafe.sandbox_unrestricted(), workflow.unsafe.imports_passed_through():
                    _report(
                        error,
                        workflow_id=info.workflow_id,
                        run_id=info.run_id,
                        workflow=info.workflow_type,
                        attempt=info.attempt,
                        task_queue=info.task_queue,
                    )
            raise


def _matters(error: Exception) -> bool:
    benign = isinstance(error, ApplicationError) and error.category is ApplicationErrorCategory.BENIGN
    return not benign and not is_cancelled_exception(error)


def _calls_for_help(info: activity.Info, error: Exception) -> bool:
    policy, name, final = info.retry_policy or RetryPolicy(), type(error).__name__, False
    if isinstance(error, ApplicationError):
        name, final = error.type or name, error.non_retryable
    return final or name in (policy.non_retryable_error_types or ()) or info.attempt in (policy.maximum_attempts, MANY_ATTEMPTS)


def _report(error: Exception, **tags: object) -> None:
    import sentry_sdk  # noqa: PLC0415  as said above

    with sentry_sdk.new_scope() as scope:
        scope.set_tags({name: str(value) for name, value in tags.items() if value})
        scope.capture_exception(error)
