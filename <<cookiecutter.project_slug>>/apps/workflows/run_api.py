"""`/api/v1/workflows/ID/execute` and `/runs`: start what people have defined, and see how far it is.

Members of a project see its runs; its owner and its editors start its workflows.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, FilterLookup, FilterSchema, Header, Query, Router, Schema, Status
from ninja.errors import HttpError
from ninja.pagination import paginate

from apps.executions.api import KEY
from apps.executions.models import Execution
from apps.executions.schemas import ExecutionStatus
from apps.users.auth import account
from apps.workflows import access, progress, services
from apps.workflows.models import Workflow
from config.pagination import Pages

router = Router(tags=["runs"])
STARTED_BY = {
    "manual": Execution.Trigger.MANUAL,
    "hubspot": Execution.Trigger.HUBSPOT,
    "webhook": Execution.Trigger.WEBHOOK,
}


class ExecuteIn(Schema):
    """What to start a workflow with. The source object is what it is about, such as a deal of a CRM."""

    source_object_id: Annotated[str, Field(max_length=100)] = ""
    source_object_type: Annotated[str, Field(max_length=100)] = ""
    source_data: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    trigger: Literal["hubspot", "webhook", "manual"] = "manual"
    input: dict[str, Any] = {}


class ExecutedOut(Schema):
    """What was started. It is under way from now on, also while Temporal is away."""

    execution_id: UUID
    temporal_workflow_id: str
    status: str


class NodeOut(Schema):
    """A step of a version."""

    id: UUID
    node_type: str = Field(validation_alias="kind")
    position: int
    name: str


class RunOut(Schema):
    """An execution of a workflow, and how far it is. Steps are counted without the entry.

    `steps_total` counts the longest way on; `steps_total_is_estimate` says that conditions may choose a shorter one.
    """

    id: UUID
    workflow_id: UUID
    status: ExecutionStatus
    current_node_id: UUID | None
    current_node: NodeOut | None
    steps_completed: int
    steps_total: int
    steps_total_is_estimate: bool
    temporal_workflow_id: str
    temporal_run_id: str


class LogEntryOut(Schema):
    """What a step gave."""

    node_id: UUID
    node_type: str
    started_at: datetime
    completed_at: datetime | None
    duration_ms: int | None
    status: Literal["success", "failed"]
    output: Any
    error: str


class RunDetail(RunOut):
    """A run, with the log of its steps if that was asked for."""

    execution_logs: list[LogEntryOut] = []


class RunFilters(FilterSchema):
    """Which runs."""

    status: Annotated[list[ExecutionStatus] | None, FilterLookup("status__in")] = None


class RunPages(Pages):
    """Counts the progress of one page alone."""

    def paginate_queryset(self, queryset: QuerySet[Any], pagination: Any, request: HttpRequest, **params: Any) -> Any:
        """The page with its figures."""
        page = super().paginate_queryset(queryset, pagination, request, **params)
        return page | {"items": progress.progress_of(page["items"])}


@router.post("/{uuid:workflow_id}/execute", response={202: ExecutedOut, 409: None}, summary="Start a workflow")
def execute(
    request: HttpRequest,
    workflow_id: UUID,
    wanted: ExecuteIn,
    key: Annotated[str, Header(alias="Idempotency-Key", max_length=200, description=KEY)] = "",
) -> Status[dict[str, Any]]:
    """The published version; accepted at once, also while Temporal is away. 409 for a workflow that is not active."""
    workflow = access.changeable_workflow(request.user, workflow_id)
    if workflow.status != Workflow.Status.ACTIVE or workflow.current is None:
        raise HttpError(409, f"{workflow.name} is {workflow.status}: publish it first, or make it active again.")
    execution = services.start(
        workflow.current,
        values=wanted.input,
        user=account(request),
        trigger=STARTED_BY[wanted.trigger],
        key=key,
        trigger_payload=wanted.input,
        source_data=wanted.source_data,
        metadata=wanted.metadata,
        source_object_id=wanted.source_object_id,
        source_object_type=wanted.source_object_type,
    )
    # It waits in the outbox for a moment, which is nothing that a caller could do something about.
    status = "running" if execution.status == Execution.Status.PENDING else execution.status
    return Status(
        202,
        {"execution_id": execution.pk, "temporal_workflow_id": execution.temporal_workflow_id, "status": status},
    )


@router.get("/{uuid:workflow_id}/runs", response=list[RunOut], summary="The runs of a workflow, newest first")
@paginate(RunPages)
def runs(request: HttpRequest, workflow_id: UUID, filters: Query[RunFilters]) -> QuerySet[Execution]:
    """Of all its versions, each with its progress."""
    return filters.filter(progress.runs_of(_runs(request, workflow_id)))


@router.get("/{uuid:workflow_id}/runs/{uuid:run_id}", response=RunDetail, exclude_unset=True, summary="A run")
def run(
    request: HttpRequest,
    workflow_id: UUID,
    run_id: UUID,
    include_logs: Annotated[bool, Query(description="Give what each step gave, too.")] = False,
) -> dict[str, Any]:
    """Where it is and how far; `run_id` is the id of the execution. With `include_logs`, also `execution_logs`."""
    execution = get_object_or_404(progress.runs_of(_runs(request, workflow_id)), pk=run_id)
    (found,) = progress.progress_of([execution])
    return vars(found) | ({"execution_logs": progress.log_of(execution)} if include_logs else {})


def _runs(request: HttpRequest, workflow_id: UUID) -> QuerySet[Execution]:
    workflow = access.seen_workflow(request.user, workflow_id)
    return Execution.objects.filter(run__version__workflow=workflow)
