"""Every start that goes through the outbox has an execution, whoever wrote it, in the transaction that wrote it."""

from typing import Any

from apps.executions.models import Execution
from apps.executions.shared import UNTRACKED
from apps.temporal.models import OutboxMessage


def row_for_start(*, instance: OutboxMessage, created: bool, raw: bool = False, **_: Any) -> None:
    """Receiver of post_save. `raw` are rows from a fixture."""
    workflow = instance.payload.get("workflow", "")
    if not created or raw or instance.kind != OutboxMessage.Kind.START or not workflow or workflow in UNTRACKED:
        return
    Execution.objects.get_or_create(
        temporal_workflow_id=instance.aggregate_id,
        defaults={
            "workflow": workflow,
            "input": instance.payload["argument"],
            "task_queue": instance.payload["task_queue"],
            "tenant": instance.payload["fairness_key"],
            "start_requested_at": instance.created_at,
        },
    )
