"""Runs executions of definitions in tests."""

from contextlib import suppress

from temporalio.client import WorkflowFailureError

from apps.development.testing import Temporal
from apps.executions.models import Execution
from apps.temporal import relay


def finish(temporal: Temporal, execution: Execution) -> None:
    """Send what waits, and wait for the end, whatever it is."""
    relay.deliver_all()
    with suppress(WorkflowFailureError):
        temporal.run(temporal.client.get_workflow_handle(execution.temporal_workflow_id).result())
    execution.refresh_from_db()
