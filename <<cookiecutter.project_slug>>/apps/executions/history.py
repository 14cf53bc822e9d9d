"""What a run's history tells of its activities, where their worker could not."""

from datetime import UTC, datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.enums.v1 import EventType
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent

from apps.executions.models import Execution
from apps.executions.shared import TaskRecord, storable
from apps.temporal import operations

ENDS = {
    EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED: "success",
    EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED: "failed",
    EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT: "failed",
    EventType.EVENT_TYPE_ACTIVITY_TASK_CANCELED: "canceled",
}


def tasks_of(execution: Execution) -> list[TaskRecord]:
    """The activities of its latest run, with what became of each. Raises ExecutionNotFound or TemporalUnavailable."""
    found: dict[int, TaskRecord] = {}
    for event in operations.history(execution.temporal_workflow_id, run_id=execution.temporal_run_id).events:
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            found[event.event_id] = _scheduled(execution, event)
        elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
            started = event.activity_task_started_event_attributes
            record = found[started.scheduled_event_id]
            record.started_at, record.number = _moment(event.event_time), started.attempt
        elif event.event_type in ENDS:
            attributes: Any = getattr(event, event.WhichOneof("attributes") or "")
            record = found[attributes.scheduled_event_id]
            record.status, record.completed_at = ENDS[event.event_type], _moment(event.event_time)
            record.error = _reason(attributes.failure) if hasattr(attributes, "failure") else ""
    # What the run left at work when it ended was given up with it.
    for record in found.values():
        if record.completed_at is None and not execution.is_open:
            record.status, record.completed_at = "canceled", execution.completed_at
    return list(found.values())


def _scheduled(execution: Execution, event: HistoryEvent) -> TaskRecord:
    wanted = event.activity_task_scheduled_event_attributes
    return TaskRecord(
        workflow_id=execution.temporal_workflow_id,
        workflow=execution.workflow,
        run_id=execution.temporal_run_id,
        activity_id=wanted.activity_id,
        name=wanted.activity_type.name,
        number=1,
        status="running",
        scheduled_at=_moment(event.event_time),
        started_at=_moment(event.event_time),
    )


def _reason(failure: Failure) -> str:
    kind = failure.application_failure_info.type
    return storable(": ".join(filter(None, (kind, failure.message))))


def _moment(time: Timestamp) -> datetime:
    return time.ToDatetime(UTC)
