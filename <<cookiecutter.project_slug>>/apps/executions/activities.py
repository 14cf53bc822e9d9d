"""How an execution's row learns its end."""

from asyncio import wrap_future
from datetime import datetime

from django.utils import timezone
from temporalio import activity

from apps.executions import buffer, reconcile
from apps.executions.shared import End, Mended, Report


@activity.defn
async def report_execution(report: Report) -> None:
    """Record how the execution ended, with its tasks: whoever sees the end sees them all.

    It waits without a thread, so that many ends share a transaction.
    """
    info = activity.info()
    workflow_id, workflow, run_id = info.workflow_id or "", info.workflow_type or "", info.workflow_run_id or ""
    await wrap_future(buffer.end(End(workflow_id=workflow_id, workflow=workflow, run_id=run_id, report=report)))


@activity.defn
def mend_executions(since: datetime | None) -> Mended:
    """Compare with the server what is open, and what ran since the last look, and mend the rows that are not right."""
    looked_at = timezone.now()
    return Mended(looked_at=looked_at, rows=reconcile.reconcile(since=since, heartbeat=activity.heartbeat))
