"""Workflows that fail, for test_errors.py. Not registered."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory


@workflow.defn
class Once:
    """Runs one activity, up to `attempts` times."""

    @workflow.run
    async def run(self, name: str, attempts: int) -> None:
        retry = RetryPolicy(initial_interval=timedelta(milliseconds=1), backoff_coefficient=1, maximum_attempts=attempts)
        await workflow.execute_activity(name, start_to_close_timeout=timedelta(minutes=2), retry_policy=retry)


@workflow.defn
class Patient:
    """Runs one activity and forgives it."""

    @workflow.run
    async def run(self, name: str, attempts: int) -> None:
        try:
            await Once().run(name, attempts)
        except Exception:
            workflow.logger.exception("forgiven")


@workflow.defn
class Refusing:
    """Fails by itself."""

    @workflow.run
    async def run(self, category: int) -> None:
        raise ApplicationError("refused", category=ApplicationErrorCategory(category))
