"""`/api/v1/executions` and `/api/v1/workflows`: what the pages of the executions show and do, for programs.

One sees and acts on one's own executions; permissions open those of others. What one may not see looks as if it were not there.
"""

from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from ninja import Field, FilterLookup, FilterSchema, Header, Query, Router, Schema, Status
from ninja.pagination import paginate
from pydantic import WithJsonSchema

from apps.executions import catalog, live, services
from apps.executions.models import START, Execution, ExecutionEvent, TaskExecution
from apps.executions.sse import Shown, Watcher
from apps.executions.states import IllegalTransition
from apps.executions.stream import EVENTS, NOTHING, respond
from apps.users.models import User

router = Router(tags=["executions"])
workflows = Router(tags=["executions"])

KEY = "The same request with the same key, however often it is sent, makes one execution."
SEARCH = "A part of the workflow id."
# Written out: of two components called Status, the API's document would keep one.
ExecutionStatus = Annotated[Execution.Status, WithJsonSchema({"type": "string", "enum": list(Execution.Status.values)})]
TaskStatus = Annotated[TaskExecution.Status, WithJsonSchema({"type": "string", "enum": list(TaskExecution.Status.values)})]
Reason = Annotated[str, Field(max_length=2_000, description="Why, for the audit trail.")]


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
    created_from: Annotated[datetime | None, FilterLookup("created_at__gte")] = None
    created_to: Annotated[datetime | None, FilterLookup("created_at__lt")] = None
    search: Annotated[str | None, Field(max_length=200, description=SEARCH), FilterLookup("temporal_workflow_id__icontains")] = (
        None
    )


@workflows.get("", response=list[WorkflowOut], summary="Workflows that can be started, by name")
def listed(request: HttpRequest) -> list[catalog.Startable]:
    """With the schema of what each asks for."""
    return list(catalog.startables().values())


@router.get("", response=list[ExecutionOut], summary="Executions, newest first")
@paginate
def executions(request: HttpRequest, filters: Query[ExecutionFilters]) -> QuerySet[Execution]:
    """One's own; with the permission executions.view_execution, everybody's."""
    return filters.filter(Execution.objects.visible_to(request.user).defer("input", "result", "context", "trigger_data"))


@router.post("", response={201: ExecutionDetail}, summary="Plan an execution, or start it at once")
def create(
    request: HttpRequest,
    wanted: ExecutionIn,
    key: Annotated[str, Header(alias="Idempotency-Key", max_length=200, description=KEY)] = "",
) -> Status[Execution]:
    """Accepted at once, also while Temporal is away. Needs the permission executions.add_execution."""
    user = _user(request)
    if not user.has_perm(f"executions.{START}"):
        raise PermissionDenied(f"This needs the permission executions.{START}.")
    execution = services.plan_execution(
        workflow=wanted.workflow, values=wanted.input, user=user, trigger=Execution.Trigger.API, key=key
    )
    if wanted.start and execution.is_planned:
        # The same request, sent twice at once, may have started it.
        with suppress(IllegalTransition):
            services.start_execution(execution, user=user)
        execution.refresh_from_db()
    return Status(201, execution)


@router.get("/{uuid:execution_id}", response=ExecutionDetail, summary="An execution")
def detail(request: HttpRequest, execution_id: UUID) -> Execution:
    """As it was last recorded; Temporal is not asked."""
    return _visible(request, execution_id)


@router.get("/{uuid:execution_id}/tasks", response=list[TaskOut], summary="The tasks of an execution, in their order")
@paginate
def tasks(
    request: HttpRequest, execution_id: UUID, attempt: Annotated[int | None, Query(ge=1, lt=2**31)] = None
) -> QuerySet[TaskExecution]:
    """Of all attempts, or of one."""
    found = _visible(request, execution_id).tasks.defer("output", "log")
    found = found.order_by("attempt", F("scheduled_at").asc(nulls_last=True), "position", "pk")
    return found if attempt is None else found.filter(attempt=attempt)


@router.get("/{uuid:execution_id}/tasks/{int:task_id}", response=TaskDetail, summary="A task with its log")
def task(request: HttpRequest, execution_id: UUID, task_id: int) -> TaskExecution:
    """The last lines that it logged, all tries together."""
    return get_object_or_404(_visible(request, execution_id).tasks, pk=task_id)


@router.get("/{uuid:execution_id}/events", response=list[EventOut], summary="The audit trail of an execution")
@paginate
def events(request: HttpRequest, execution_id: UUID) -> QuerySet[ExecutionEvent]:
    """Who did what, when and why; the oldest first."""
    return _visible(request, execution_id).events.all()


@router.get("/{uuid:execution_id}/stream", response={503: None}, openapi_extra=EVENTS, summary="The changes of an execution")
def watch(
    request: HttpRequest,
    execution_id: UUID,
    last: Annotated[int, Header(alias="Last-Event-ID", description="The newest revision that came by a stream.")] = NOTHING,
    since: Annotated[int, Query(description="The revision that is known otherwise.")] = NOTHING,
) -> HttpResponseBase:
    """Whenever it changes an event `execution`, with what GET answers, and its revision as id; after the last one `end`."""
    execution = _visible(request, execution_id)
    known = {execution.pk: since if last == NOTHING else last}
    return respond(request, Watcher(_user(request).pk, known, lambda _: Shown("execution", _as_json, (request,))))


@router.post("/{uuid:execution_id}/start", response={202: ExecutionDetail, 409: None}, summary="Start a planned execution")
def start(request: HttpRequest, execution_id: UUID) -> Status[Execution]:
    """409 for one that was started."""
    execution = _allowed(request, execution_id, "start")
    return Status(202, services.start_execution(execution, user=_user(request)))


@router.post("/{uuid:execution_id}/cancel", response={202: ExecutionDetail, 409: None}, summary="Cancel an execution")
def cancel(request: HttpRequest, execution_id: UUID, wanted: ReasonIn | None = None) -> Status[Execution]:
    """It may clean up first. 409 for one that has ended."""
    execution = _allowed(request, execution_id, "cancel")
    return Status(202, services.cancel_execution(execution, user=_user(request), reason=wanted.reason if wanted else ""))


@router.post("/{uuid:execution_id}/terminate", response={202: ExecutionDetail, 409: None}, summary="Terminate an execution")
def terminate(request: HttpRequest, execution_id: UUID, wanted: TerminateIn) -> Status[Execution]:
    """It does not clean up. 409 for one that has ended. Needs the permission executions.terminate_execution."""
    execution = _allowed(request, execution_id, "terminate")
    return Status(202, services.terminate_execution(execution, user=_user(request), reason=wanted.reason))


@router.post("/{uuid:execution_id}/reset", response={202: ExecutionDetail, 409: None}, summary="Try an execution again")
def reset(request: HttpRequest, execution_id: UUID, wanted: ResetIn) -> Status[Execution]:
    """On the same row, as a new attempt. 409 for one that is at work or has completed."""
    execution = _allowed(request, execution_id, "reset")
    return Status(202, services.reset_execution(execution, user=_user(request), **wanted.dict()))


def _as_json(execution: Execution, request: HttpRequest) -> str:
    return ExecutionDetail.model_validate(execution, context={"request": request}).model_dump_json()


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _visible(request: HttpRequest, execution_id: UUID) -> Execution:
    return get_object_or_404(Execution.objects.visible_to(request.user), pk=execution_id)


def _allowed(request: HttpRequest, execution_id: UUID, action: str) -> Execution:
    execution = _visible(request, execution_id)
    if action not in live.allowed_actions(_user(request), execution):
        raise PermissionDenied(f"This account may not {action} this execution.")
    return execution
