"""What crosses the wire to Temporal for a task of django.tasks. Standard library only: workflow code imports it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

ACTIVITY, WORKFLOW = "run_django_task", "django_task"


@dataclass(frozen=True, kw_only=True)
class TaskCall:
    """A task that was enqueued. `task` is its dotted path."""

    id: str
    task: str
    args: list[Any]
    kwargs: dict[str, Any]
    backend: str
    queue_name: str
    priority: int
    run_after: datetime | None
    enqueued_at: datetime
    task_queue: str
    timeout: timedelta
    heartbeat: timedelta
    max_attempts: int


@dataclass(frozen=True, kw_only=True)
class TaskRun:
    """The latest attempt at a task, and what came of it."""

    attempt: int
    worker_id: str
    started_at: datetime
    value: Any = None
    traceback: str = ""
