"""How an execution's row learns its end."""

from datetime import datetime

from django.utils import timezone
from temporalio import activity

from apps.executions import buffer, projection, reconcile
from apps.executions.shared import Mended, Report


@activity.defn
def report_execution(report: Report) -> None:
    """Record how the execution ended, with its tasks: whoever sees the end sees them all."""
    info = activity.info()
    workflow_id, workflow, run_id = info.workflow_id or "", info.workflow_type or "", info.workflow_run_id or ""
    records = buffer.take(workflow_id)
    try:
        projection.finish(workflow_id, workflow, run_id, report, records)
    except Exception:
        buffer.give_back(records)
        raise


@activity.defn
def mend_executions(since: datetime | None) -> Mended:
    """Compare with the server what is open, and what ran since the last look, and mend the rows that are not right."""
    looked_at = timezone.now()
    return Mended(looked_at=looked_at, rows=reconcile.reconcile(since=since, heartbeat=activity.heartbeat))
