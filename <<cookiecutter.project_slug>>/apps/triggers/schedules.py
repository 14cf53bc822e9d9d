"""The triggers that Temporal fires, as schedules: `manage.py syncschedules` makes the server have them."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.tasks import DEFAULT_TASK_QUEUE_NAME

from apps.schedules import services
from apps.schedules.services import WorkflowSchedule
from apps.tasks.shared import WORKFLOW, TaskCall
from apps.temporal.exceptions import TemporalUnavailable
from apps.triggers import kinds
from apps.triggers.models import Trigger
from apps.triggers.tasks import fire_scheduled

# A database that is away for a day is waited for.
ATTEMPTS, TIMEOUT, HEARTBEAT = 870, timedelta(minutes=1), timedelta(seconds=30)


def schedules() -> Iterator[WorkflowSchedule]:
    """One for each trigger that has times."""
    with_times = [name for name, kind in kinds.KINDS.items() if kind.has_times]
    yield from map(schedule_of, Trigger.objects.filter(kind__in=with_times).select_related("workflow"))


def schedule_of(trigger: Trigger) -> WorkflowSchedule:
    """What fires it. What overlaps is told by the executions, which run longer than what fires them: firing.py."""
    config = trigger.config
    return WorkflowSchedule(
        name=name_of(trigger),
        workflow=WORKFLOW,
        argument=_call(trigger),
        cron=tuple(config.get("cron", ())),
        every=timedelta(minutes=config["every_minutes"]) if "every_minutes" in config else None,
        time_zone=config.get("time_zone", "UTC"),
        overlap="allow_all",
        catch_up=kinds.catch_up(config),
        paused=not trigger.enabled,
        tenant=str(trigger.workflow.project_id),
    )


def name_of(trigger: Trigger) -> str:
    """What its schedule is called."""
    return f"trigger-{trigger.pk}"


def next_times(triggers: Iterable[Trigger]) -> dict[UUID, list[datetime]] | None:
    """When the server will fire each of them that it knows and that is not paused, None while it is away."""
    wanted = {name_of(trigger): trigger.pk for trigger in triggers if kinds.KINDS[trigger.kind].has_times}
    if not wanted:
        return {}
    try:
        states = services.states()
    except TemporalUnavailable:
        return None
    return {wanted[state.name]: state.next_runs for state in states if state.name in wanted and not state.paused}


def _call(trigger: Trigger) -> TaskCall:
    return TaskCall(
        id=name_of(trigger),
        task=fire_scheduled.module_path,
        args=[str(trigger.pk)],
        kwargs={},
        backend=fire_scheduled.backend,
        queue_name=DEFAULT_TASK_QUEUE_NAME,
        priority=0,
        run_after=None,
        enqueued_at=trigger.created_at,
        task_queue=settings.TEMPORAL_TASK_QUEUE,
        timeout=TIMEOUT,
        heartbeat=HEARTBEAT,
        max_attempts=ATTEMPTS,
    )
