"""What happens to a schedule when its trigger goes, by itself or with its workflow."""

from typing import Any

from apps.schedules.services import enqueue_schedule_change
from apps.triggers import kinds
from apps.triggers.models import Trigger
from apps.triggers.schedules import name_of


def remove_schedule(*, instance: Trigger, **_: Any) -> None:
    """Receiver of post_delete."""
    kind = kinds.KINDS.get(instance.kind)
    if kind and kind.has_times:
        enqueue_schedule_change(name_of(instance), "delete")
