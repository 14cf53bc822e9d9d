"""`/api/v1/executions` and `/api/v1/workflows`: what the pages of the executions show and do, for programs.

One sees and acts on one's own executions; permissions open those of others. What one may not see looks as if it were not there.
"""

from contextlib import suppress
from typing import Annotated
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from ninja import Header, Query, Router, Status
from ninja.pagination import paginate

from apps.executions import catalog, live, services
from apps.executions.models import START, Execution, ExecutionEvent, TaskExecution
from apps.executions.schemas import (
    EventOut,
    ExecutionDetail,
    ExecutionFilters,
    ExecutionIn,
    ExecutionOut,
    ReasonIn,
    ResetIn,
    TaskDetail,
    TaskOut,
    TerminateIn,
    WorkflowOut,
)
from apps.executions.sse import Shown, Watcher
from apps.executions.states import IllegalTransition
from apps.executions.stream import EVENTS, NOTHING, respond
from apps.users.auth import account

router = Router(tags=["executions"])
workflows = Router(tags=["executions"])

KEY = "The same request with the same key, however often it is sent, makes one execution."


@workflows.get("", response=list[WorkflowOut], summary="Workflows that can be started, by name")
def listed(request: HttpRequest) -> list[catalog.Startable]:
    """With the schema of what each asks for: those of the project, and those that people defined and the account may start."""
    return list(catalog.all_startables(account(request)).values())


@router.get("", response=list[ExecutionOut], summary="Executions, newest first")
@paginate
def executions(request: HttpRequest, filters: Query[ExecutionFilters]) -> QuerySet[Execution]:
    """One's own; with the permission executions.view_execution, everybody's."""
    return filters.filter(Execution.objects.visible_to(request.user).listed())


@router.post("", response={201: ExecutionDetail}, summary="Plan an execution, or start it at once")
def create(
    request: HttpRequest,
    wanted: ExecutionIn,
    key: Annotated[str, Header(alias="Idempotency-Key", max_length=200, description=KEY)] = "",
) -> Status[Execution]:
    """Accepted at once, also while Temporal is away. Needs the permission executions.add_execution."""
    user = account(request)
    if not user.has_perm(f"executions.{START}"):
        raise PermissionDenied(f"This needs the permission executions.{START}.")
    execution = services.plan_execution(
        workflow=wanted.workflow, values=wanted.input, user=user, trigger=Execution.Trigger.API, key=key
    )
    if wanted.start and execution.is_planned:
        # What a key gives again may be of a workflow that the account may no longer start.
        live.require(user, execution, "start")
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
    return respond(request, Watcher(account(request).pk, known, lambda _: Shown("execution", _as_json, (request,))))


@router.post("/{uuid:execution_id}/start", response={202: ExecutionDetail, 409: None}, summary="Start a planned execution")
def start(request: HttpRequest, execution_id: UUID) -> Status[Execution]:
    """409 for one that was started."""
    execution = _allowed(request, execution_id, "start")
    return Status(202, services.start_execution(execution, user=account(request)))


@router.post("/{uuid:execution_id}/cancel", response={202: ExecutionDetail, 409: None}, summary="Cancel an execution")
def cancel(request: HttpRequest, execution_id: UUID, wanted: ReasonIn | None = None) -> Status[Execution]:
    """It may clean up first. 409 for one that has ended."""
    execution = _allowed(request, execution_id, "cancel")
    return Status(202, services.cancel_execution(execution, user=account(request), reason=wanted.reason if wanted else ""))


@router.post("/{uuid:execution_id}/terminate", response={202: ExecutionDetail, 409: None}, summary="Terminate an execution")
def terminate(request: HttpRequest, execution_id: UUID, wanted: TerminateIn) -> Status[Execution]:
    """It does not clean up. 409 for one that has ended. Needs the permission executions.terminate_execution."""
    execution = _allowed(request, execution_id, "terminate")
    return Status(202, services.terminate_execution(execution, user=account(request), reason=wanted.reason))


@router.post("/{uuid:execution_id}/reset", response={202: ExecutionDetail, 409: None}, summary="Try an execution again")
def reset(request: HttpRequest, execution_id: UUID, wanted: ResetIn) -> Status[Execution]:
    """On the same row, as a new attempt. 409 for one that is at work or has completed."""
    execution = _allowed(request, execution_id, "reset")
    return Status(202, services.reset_execution(execution, user=account(request), **wanted.dict()))


def _as_json(execution: Execution, request: HttpRequest) -> str:
    return ExecutionDetail.model_validate(execution, context={"request": request}).model_dump_json()


def _visible(request: HttpRequest, execution_id: UUID) -> Execution:
    return get_object_or_404(Execution.objects.visible_to(request.user), pk=execution_id)


def _allowed(request: HttpRequest, execution_id: UUID, action: str) -> Execution:
    execution = _visible(request, execution_id)
    live.require(request.user, execution, action)
    return execution
