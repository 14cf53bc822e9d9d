"""Runs executions of definitions in tests."""

from contextlib import suppress
from typing import Any

from temporalio.client import WorkflowFailureError

from apps.development.testing import PATIENCE, Temporal
from apps.executions.models import Execution
from apps.temporal import relay
from apps.users.models import User
from apps.workflows import services
from apps.workflows.models import Workflow


def finish(temporal: Temporal, execution: Execution, *, timeout: float = PATIENCE) -> None:
    """Send what waits, and wait for the end, whatever it is."""
    relay.deliver_all()
    with suppress(WorkflowFailureError):
        temporal.run(temporal.client.get_workflow_handle(execution.temporal_workflow_id).result(), timeout)
    execution.refresh_from_db()


def run(
    temporal: Temporal, workflow: Workflow, user: User, values: Any = None, *, timeout: float = PATIENCE, **facts: Any
) -> Execution:
    """Start the current version of a workflow, and wait for the end, whatever it is."""
    assert workflow.current is not None
    execution = services.start(workflow.current, values=values or {}, user=user, **facts)
    finish(temporal, execution, timeout=timeout)
    return execution
