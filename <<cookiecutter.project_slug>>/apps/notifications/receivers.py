"""What executions say of themselves becomes notifications, in the transaction that changes them."""

from collections.abc import Mapping
from typing import Any

from apps.executions.models import Execution, ExecutionEvent
from apps.notifications import services
from apps.notifications.models import Event

Status = Execution.Status
EVENTS: Mapping[str, Event] = {
    Status.PAUSED: Event.PAUSE,
    Status.COMPLETED: Event.SUCCESS,
    Status.FAILED: Event.FAILURE,
    Status.TIMED_OUT: Event.FAILURE,
}


def tell(*, execution: Execution, event: ExecutionEvent, **_: Any) -> None:
    """Receiver of status_changed. What a person ended is news to nobody; going on after a pause or a reset is no start."""
    if (event.before, event.after) == (Status.PENDING, Status.RUNNING):
        services.notify(execution, Event.START)
    elif what := EVENTS.get(event.after):
        services.notify(execution, what, reason=event.reason)


def send_mails_again(*, execution: Execution, **_: Any) -> None:
    """Receiver of effects_wanted_again."""
    services.forget_mails(execution)
