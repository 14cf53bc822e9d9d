"""What becomes of requests when their execution has ended."""

from typing import Any

from apps.approvals import settling
from apps.executions import states
from apps.executions.models import Execution, ExecutionEvent


def cancel_requests(*, execution: Execution, event: ExecutionEvent, **_: Any) -> None:
    """Receiver of status_changed. Whoever is still asked has paused the execution: other ends cost no query."""
    if event.before == Execution.Status.PAUSED and event.after in states.CLOSED:
        settling.cancel_all(execution)
