"""A task of django.tasks as a workflow, where it cannot be a standalone activity: tasks.py says when."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from apps.temporal.activities import run_django_task
    from apps.temporal.shared import TaskCall, TaskRun
    from apps.temporal.tasks import WORKFLOW, retries


@workflow.defn(name=WORKFLOW)
class DjangoTaskWorkflow:
    """Runs one task of django.tasks."""

    @workflow.run
    async def run(self, call: TaskCall) -> TaskRun:
        """Run it, as often as its retries allow."""
        return await workflow.execute_activity(
            run_django_task,
            call,
            start_to_close_timeout=call.timeout,
            heartbeat_timeout=call.heartbeat,
            retry_policy=retries(call),
        )
