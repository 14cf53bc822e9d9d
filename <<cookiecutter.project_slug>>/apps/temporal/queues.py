"""Who works where: task queues with their limits, and the queue of each tenant."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one worker process may do for a queue at a time. An entry of TEMPORAL_TASK_QUEUES names those that differ.

    `slots` are its activities, each a thread and a database connection. `memory` is the share of the machine's memory, from
    0 to 1, above which it takes no further activity (1 is no limit). The rates are activities a second: of one worker, and
    of all workers together, which the server keeps.
    """

    slots: int
    memory: float
    worker_rate: float | None = None
    queue_rate: float | None = None


@dataclass(frozen=True)
class Route:
    """Where work goes, and under which key it gets its fair share there."""

    task_queue: str
    fairness_key: str = ""


def polled_by_default() -> list[str]:
    """The queues of a worker that is told none: all that this project names."""
    dedicated = [tenant_queue(tenant) for tenant in settings.TEMPORAL_DEDICATED_TENANTS]
    return list(dict.fromkeys([settings.TEMPORAL_TASK_QUEUE, *settings.TEMPORAL_TASK_QUEUES, *dedicated]))


def limits_of(task_queue: str) -> Limits:
    """The limits of a queue: those of its entry in TEMPORAL_TASK_QUEUES, else those of the settings for all."""
    shared: dict[str, Any] = {"slots": settings.TEMPORAL_ACTIVITY_SLOTS, "memory": settings.TEMPORAL_WORKER_MEMORY}
    return Limits(**shared | settings.TEMPORAL_TASK_QUEUES.get(task_queue, {}))


def route(tenant: str = "", task_queue: str = "") -> Route:
    """Where a tenant's work goes: TEMPORAL_DEDICATED_TENANTS have a queue of their own, the others share one fairly.

    Without a tenant it is the given queue, or TEMPORAL_TASK_QUEUE.
    """
    if tenant in settings.TEMPORAL_DEDICATED_TENANTS:
        return Route(tenant_queue(tenant))
    return Route(task_queue or settings.TEMPORAL_TASK_QUEUE, tenant)


def tenant_queue(tenant: str) -> str:
    """The queue that a dedicated tenant has for itself."""
    return f"{settings.TEMPORAL_TASK_QUEUE.removesuffix('-tasks')}-tenant-{tenant}"
