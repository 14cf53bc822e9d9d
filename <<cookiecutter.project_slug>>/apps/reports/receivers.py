"""The end of an execution becomes a report where the settings want one, in the transaction that ends it."""

from typing import Any

from apps.executions import states
from apps.executions.models import Execution, ExecutionEvent
from apps.reports import services
from apps.reports.models import settings_of

# In the settings' "recipients": whoever the execution belongs to.
OWNER = "owner"


def write_at_the_end(*, execution: Execution, event: ExecutionEvent, **_: Any) -> None:
    """Receiver of status_changed. Costs nothing for workflows without reports. What never ran has nothing to be written up."""
    wanted = settings_of(execution.workflow)
    if not wanted or event.after not in states.CLOSED or not execution.temporal_run_id:
        return
    recipients = [
        execution.user.email if address == OWNER and execution.user else address for address in wanted.get("recipients", ())
    ]
    services.queue_reports(execution, wanted["formats"], recipients=[address for address in recipients if address != OWNER])
