"""What a schedule of Temporal runs: schedules.py makes them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.tasks import TaskContext, task
from temporalio import activity

from apps.triggers import firing, kinds
from apps.triggers.kinds import Delivery
from apps.triggers.models import Trigger


@task(backend="patient", takes_context=True)
def fire_scheduled(context: "TaskContext[..., Any]", trigger_id: str) -> str:
    """Fire a trigger whose time has come, once, however often this is tried, and give what came of it."""
    trigger = Trigger.objects.filter(pk=UUID(trigger_id)).first()
    if trigger is None:
        return "gone"
    # The server makes the id of the schedule's and of the time that was due.
    due = str(activity.info().workflow_id)
    return firing.fire(trigger, Delivery(event_id=due, data=kinds.scheduled_data(_moment(due)))).status


def _moment(due: str) -> datetime | None:
    try:
        return datetime.fromisoformat(due[-len("2026-01-31T09:00:00Z") :])
    except ValueError:
        return None
