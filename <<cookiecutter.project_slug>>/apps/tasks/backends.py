"""Django's tasks on Temporal. What a task is there: runs.py."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.tasks import DEFAULT_TASK_QUEUE_NAME, Task, TaskResultStatus
from django.tasks.backends.base import BaseTaskBackend
from django.tasks.exceptions import InvalidTaskBackend, TaskResultDoesNotExist
from django.tasks.signals import task_enqueued
from django.utils import timezone
from django.utils.crypto import get_random_string
from pydantic import BaseModel, Field, PositiveInt, ValidationError

from apps.tasks import runs
from apps.tasks.runs import Result
from apps.tasks.shared import TaskCall
from apps.temporal import client, outbox, queues
from apps.temporal.exceptions import ExecutionNotFound, Refused
from apps.temporal.models import OutboxMessage

Kind, Status = OutboxMessage.Kind, OutboxMessage.Status


class Options(BaseModel, extra="forbid"):
    """OPTIONS of the backend. `timeout` of an attempt and `heartbeat`, the silence after which its worker is lost, in seconds."""

    max_attempts: PositiveInt = 1
    timeout: timedelta = Field(timedelta(hours=1), gt=timedelta())
    heartbeat: timedelta = Field(timedelta(seconds=30), gt=timedelta())


class TemporalBackend(BaseTaskBackend):
    """Tasks go through the outbox: a transaction that is rolled back enqueues none, and Temporal may be away meanwhile."""

    supports_defer = supports_async_task = supports_get_result = supports_priority = True

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        super().__init__(alias, {"QUEUES": [DEFAULT_TASK_QUEUE_NAME, *queues.polled_by_default()]} | params)
        try:
            self.limits = Options.model_validate(self.options)
        except ValidationError as error:
            wrong = "; ".join(f"{problem['loc'][0]}: {problem['msg']}" for problem in error.errors())
            raise InvalidTaskBackend(f"TASKS[{alias!r}]['OPTIONS'] cannot be used: {wrong}.") from error

    def enqueue(self, task: "Task[..., Any]", args: Any, kwargs: Any) -> Result:  # type: ignore[override]  # not generic when it runs
        """Have a task run once the transaction commits. Raises InvalidTask, TypeError for what is not JSON, Refused for 2 MiB."""
        where = settings.TEMPORAL_TASK_QUEUE if task.queue_name == DEFAULT_TASK_QUEUE_NAME else task.queue_name
        call = TaskCall(
            id=f"task-{get_random_string(32)}",
            task=task.module_path,
            args=list(args),
            kwargs=dict(kwargs),
            backend=self.alias,
            queue_name=task.queue_name,
            priority=task.priority,
            run_after=task.run_after,
            enqueued_at=timezone.now(),
            task_queue=where,
            **dict(self.limits),
        )
        # It looks at the task again, and at the arguments, as it will where the task runs.
        result = runs.result_of(call, TaskResultStatus.READY)
        outbox.enqueue(Kind.ACTIVITY, call.id, vars(call), key="", alone=True)
        task_enqueued.send(type(self), task_result=result)
        return result

    def get_result(self, result_id: str) -> Result:
        """Ask for a task. Raises TaskResultDoesNotExist, or TemporalUnavailable when only the server can tell."""
        message = OutboxMessage.objects.filter(kind=Kind.ACTIVITY, aggregate_id=result_id).first()
        if message is None:
            raise TaskResultDoesNotExist(result_id)
        call = runs.call_of(message.payload)
        if message.status == Status.PENDING:
            return runs.result_of(call, TaskResultStatus.READY)
        if message.status == Status.DEAD:
            return runs.result_of(call, TaskResultStatus.FAILED, None, runs.error_of(Refused(message.last_error)))
        try:
            return client.run(lambda connected: runs.find(connected, call))
        except ExecutionNotFound as error:
            raise TaskResultDoesNotExist(result_id) from error
