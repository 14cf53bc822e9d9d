"""What the API of the executions takes and gives: api.py is about how."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Field, FilterLookup, FilterSchema, Schema
from pydantic import AfterValidator, AwareDatetime, WithJsonSchema

from apps.executions import live
from apps.executions.models import Execution, TaskExecution

# Written out: of two components called Status, the API's document would keep one.
ExecutionStatus = Annotated[Execution.Status, WithJsonSchema({"type": "string", "enum": list(Execution.Status.values)})]
TaskStatus = Annotated[TaskExecution.Status, WithJsonSchema({"type": "string", "enum": list(TaskExecution.Status.values)})]
Search = Annotated[str, Field(max_length=200, description="A part of the workflow id.")]
Reason = Annotated[str, Field(max_length=2_000, description="Why, for the audit trail.")]


def _in_utc(moment: datetime) -> datetime:
    # PostgreSQL knows no offset beyond 16 hours.
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("choose a moment between the years 1 and 9999") from error


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class WorkflowOut(Schema):
    """A workflow. `input_schema` is the JSON Schema of its input, empty when it takes none."""

    workflow: str
    title: str
    description: str
    planned_tasks: list[str]
    input_schema: dict[str, Any] = Field(validation_alias="schema")


class ExecutionIn(Schema):
    """What to run. Planned, it waits until somebody starts it."""

    workflow: str
    input: Any = None
    start: bool = Field(False, description="Start it at once.")


class ReasonIn(Schema):
    """Why."""

    reason: Reason = ""


class TerminateIn(Schema):
    """Why. Termination is never without a reason: the execution has no chance to clean up."""

    reason: Annotated[str, Field(min_length=1, max_length=2_000)]


class ResetIn(Schema):
    """From where to try again. Effects that have a key, such as mails, are not repeated unless `repeat_effects`."""

    to: Literal["failed-step", "start"] = "failed-step"
    reason: Reason = ""
    repeat_effects: bool = False


class ExecutionOut(Schema):
    """An execution. `state` says in words where it stands, `actions` what the asking account may do to it now."""

    id: UUID
    workflow: str
    workflow_id: str = Field(validation_alias="temporal_workflow_id")
    run_id: str = Field(validation_alias="temporal_run_id")
    status: ExecutionStatus
    state: str
    trigger: Execution.Trigger
    user_id: int | None
    attempt: int
    current_step: str
    tasks_done: int
    tasks_total: int
    percent: int
    revision: int
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    actions: list[str]

    @staticmethod
    def resolve_actions(execution: Execution, context: dict[str, Any]) -> list[str]:
        """In the order of their names."""
        return sorted(live.allowed_actions(context["request"].user, execution) & live.possible_actions(execution))


class ExecutionDetail(ExecutionOut):
    """An execution with what it was given and what came of it."""

    input: Any
    result: Any
    error_message: str


class TryOut(Schema):
    """An earlier try of a task."""

    started_at: datetime | None
    completed_at: datetime | None
    error: str


class TaskOut(Schema):
    """A task of an execution. `attempt` is that of the execution; `carried` was done in an earlier one."""

    id: int
    name: str
    attempt: int
    status: TaskStatus
    carried: bool
    scheduled_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    duration_ms: int | None
    percent: int | None
    progress_message: str
    tries: list[TryOut]
    error: str


class TaskDetail(TaskOut):
    """A task with what it gave and its last log lines."""

    output: Any
    log: list[str]


class EventOut(Schema):
    """A line of the audit trail. `by` is user, workflow, outbox or reconcile."""

    at: datetime
    action: str
    by: str
    user_id: int | None
    before: str
    after: str
    reason: str
    attempt: int


class ExecutionFilters(FilterSchema):
    """Which executions."""

    status: Annotated[list[ExecutionStatus] | None, FilterLookup("status__in")] = None
    workflow: str | None = None
    user_id: Annotated[int, Field(ge=1, lt=2**63)] | None = None
    created_from: Annotated[Moment | None, FilterLookup("created_at__gte")] = None
    created_to: Annotated[Moment | None, FilterLookup("created_at__lt")] = None
    search: Annotated[Search | None, FilterLookup("temporal_workflow_id__icontains")] = None
