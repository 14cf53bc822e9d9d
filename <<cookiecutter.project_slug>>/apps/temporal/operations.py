"""What operators do to executions: have them go on from an earlier point."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, WorkflowIdReusePolicy
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest, StartWorkflowExecutionRequest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHistory
from temporalio.service import RPCError, RPCStatusCode

from apps.temporal import client
from apps.temporal.exceptions import Refused

TIMEOUT = 60.0
# What a start says of a workflow, and the start of another run of it says again.
SAME = (
    "workflow_type", "task_queue", "input", "header", "memo", "search_attributes", "retry_policy", "priority",
    "workflow_execution_timeout", "workflow_run_timeout", "workflow_task_timeout",
)  # fmt: skip


class ResetPoint(NamedTuple):
    """A place that a run can be reset to: what stands before event `event_id` stays, `next` and all after it is done again."""

    event_id: int
    at: datetime
    next: str
    is_last_good: bool


def history(workflow_id: str, *, run_id: str = "") -> WorkflowHistory:
    """What an execution's latest run, or the given one, recorded. Raises ExecutionNotFound or TemporalUnavailable."""
    return client.run(lambda c: c.get_workflow_handle(workflow_id, run_id=run_id or None).fetch_history(), timeout=TIMEOUT)


def reset_points(workflow_id: str, *, run_id: str = "") -> list[ResetPoint]:
    """Where a run can be reset to, the beginning first. Raises as history does."""
    return _points(history(workflow_id, run_id=run_id).events)


def reset(workflow_id: str, *, reason: str, to: str = "last-good", run_id: str = "") -> str:
    """Go back to "start", to the "last-good" step or to an event id of reset_points(), and give the id of the new run.

    The run that was is ended if need be and stays to be looked at. A run is reset once: with its `run_id` a repetition gives
    the same new run. One that ended before it did anything has no such point: the same is started anew under its id.
    Raises Refused for a point that is none, and as history does.
    """
    return client.run(lambda c: reset_run(c, workflow_id, reason=reason, to=to, run_id=run_id), timeout=TIMEOUT)


async def reset_run(connected: Client, workflow_id: str, *, reason: str, to: str, run_id: str = "") -> str:
    """As reset(), for asynchronous code. Raises Refused and RPCError."""
    handle = connected.get_workflow_handle(workflow_id, run_id=run_id or None)
    found = await handle.describe()
    # The server has no memory for the request ids of resets.
    if earlier := found.raw_description.workflow_extended_info.reset_run_id:
        return earlier
    events = (await connected.get_workflow_handle(workflow_id, run_id=found.run_id).fetch_history()).events
    points = _points(events)
    if not points and found.status != WorkflowExecutionStatus.RUNNING and to in {"start", "last-good"}:
        return await _start_anew(connected, workflow_id, found.run_id, events[0])
    choices = {str(point.event_id): point.event_id for point in points}
    choices.update([("last-good", point.event_id) for point in points if point.is_last_good])
    choices.update([("start", point.event_id) for point in points[:1]])
    if to not in choices:
        raise Refused(
            f"{workflow_id} cannot be reset to {to}: choose {', '.join(choices) or 'another time, it did nothing yet'}."
        )
    request = ResetWorkflowExecutionRequest(
        namespace=connected.namespace,
        workflow_execution=WorkflowExecution(workflow_id=workflow_id, run_id=found.run_id),
        reason=reason,
        workflow_task_finish_event_id=choices[to],
        request_id=found.run_id,
        identity=connected.identity,
    )
    try:
        return (await connected.workflow_service.reset_workflow_execution(request)).run_id
    except RPCError as error:
        if error.status is RPCStatusCode.INVALID_ARGUMENT:
            raise Refused(f"Temporal refused to reset {workflow_id}: {error.message}.") from error
        raise


async def _start_anew(connected: Client, workflow_id: str, run_id: str, event: HistoryEvent) -> str:
    """Start once more what that event started, and give the id of the new run."""
    started = event.workflow_execution_started_event_attributes
    request = StartWorkflowExecutionRequest(
        namespace=connected.namespace,
        workflow_id=workflow_id,
        identity=connected.identity,
        # The server gives the same run to who asks again with the same id.
        request_id=f"again {run_id}",
        workflow_id_reuse_policy=WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
        **{name: getattr(started, name) for name in SAME if started.HasField(name)},  # type: ignore[arg-type]  # by name
    )
    return (await connected.workflow_service.start_workflow_execution(request, retry=True)).run_id


def _points(events: Sequence[HistoryEvent]) -> list[ResetPoint]:
    completed = [event for event in events if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED]
    good = _last_good(events) or (completed[-1].event_id if completed else 0)
    return [
        ResetPoint(event.event_id, event.event_time.ToDatetime(UTC), _commands(events, event.event_id), event.event_id == good)
        for event in completed
    ]


def _last_good(events: Sequence[HistoryEvent]) -> int:
    """The point before the step whose failure failed the run, or before the cancel was asked for; 0 when there is none."""
    for position, event in enumerate(events):
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED:
            return max((_point_of(earlier) for earlier in events[:position]), default=0)
    failure = events[-1].workflow_execution_failed_event_attributes.failure
    while failure.ByteSize():
        step = (
            failure.activity_failure_info.scheduled_event_id
            or failure.child_workflow_execution_failure_info.initiated_event_id
            or failure.nexus_operation_execution_failure_info.scheduled_event_id
        )
        if step:
            return _point_of(events[step - 1])
        failure = failure.cause
    return 0


def _point_of(event: HistoryEvent) -> int:
    """The workflow task that made an event, 0 for what came from outside."""
    return getattr(getattr(event, event.WhichOneof("attributes") or ""), "workflow_task_completed_event_id", 0)


def _commands(events: Sequence[HistoryEvent], event_id: int) -> str:
    """What a workflow task did, such as "activity_task_scheduled send_email_activity"."""
    made = [event for event in events if _point_of(event) == event_id]
    names = [EventType.Name(event.event_type).removeprefix("EVENT_TYPE_").lower() for event in made]
    kinds = [event.activity_task_scheduled_event_attributes.activity_type.name for event in made]
    return ", ".join(" ".join(filter(None, both)) for both in zip(names, kinds, strict=True)) or "nothing"
