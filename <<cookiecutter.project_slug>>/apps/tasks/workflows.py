"""A task of django.tasks as a workflow, where it cannot be a standalone activity: runs.py says when."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from apps.tasks.activities import run_django_task
    from apps.tasks.runs import retries
    from apps.tasks.shared import WORKFLOW, TaskCall, TaskRun


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
