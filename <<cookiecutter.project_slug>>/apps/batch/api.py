"""`/api/v1/batches`: for those who may add, view or change batches."""

from datetime import datetime
from typing import Annotated, Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema, Status
from ninja.pagination import paginate
from pydantic import Field, StringConstraints

from apps.batch import services
from apps.batch.models import Batch, BatchFailure
from apps.batch.shared import RowQuery
from apps.executions.models import Execution
from apps.users.auth import account

router = Router(tags=["batches"])

BatchId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")]
STATUSES = "pending, running, completed, canceled, failed, terminated or timed_out"


class RowsIn(Schema):
    """Rows by description: `model` is app_label.Model, `filter` Django look-ups on its own plain fields."""

    model: str
    filter: dict[str, Any] = Field(default_factory=dict)


class BatchIn(Schema):
    """What to do to which rows: name them by `user_ids` or by `rows`."""

    batch_id: BatchId
    user_ids: list[int] = Field(default_factory=list)
    rows: RowsIn | None = None
    action: str = "check_profile"


class BatchOut(Schema):
    """A batch and how far it is. `total` is not known before it runs."""

    batch_id: str
    workflow_id: str
    action: str
    status: str = Field(description=STATUSES)
    total: int | None
    succeeded: int
    failed: int
    created_at: datetime
    finished_at: datetime | None


class FailureOut(Schema):
    """A row that failed, by primary key, and why."""

    row: str
    reason: str


@router.post("", response={202: BatchOut}, summary="Start a batch")
def start(request: HttpRequest, wanted: BatchIn) -> Status[BatchOut]:
    """Accepted at once. The same request again gives the same batch; another one under its id is refused."""
    _require(request, "batch.add_batch")
    rows = RowQuery(model=wanted.rows.model, filter=wanted.rows.filter) if wanted.rows else None
    batch = services.start_batch(
        batch_id=wanted.batch_id,
        user_ids=wanted.user_ids,
        rows=rows,
        action=wanted.action,
        user=account(request),
        trigger=Execution.Trigger.API,
    )
    return Status(202, _shown(batch))


@router.get("", response=list[BatchOut], summary="Batches, newest first")
@paginate
def batches(request: HttpRequest, status: Annotated[str | None, Query(description=STATUSES)] = None) -> QuerySet[Batch]:
    """What each batch recorded last."""
    _require(request, "batch.view_batch")
    return services.batches_with_counts(status=status)


@router.get("/{batch_id}", response=BatchOut, summary="How far a batch is")
def detail(request: HttpRequest, batch_id: str) -> BatchOut:
    """Counts are those of committed chunks."""
    return _shown(_batch(request, batch_id, "batch.view_batch"))


@router.get("/{batch_id}/failures", response=list[FailureOut], summary="The rows that failed")
@paginate
def failures(request: HttpRequest, batch_id: str) -> QuerySet[BatchFailure]:
    """In the order they were met."""
    return services.failures_of(batch=_batch(request, batch_id, "batch.view_batch"))


@router.post("/{batch_id}/cancel", response={202: BatchOut}, summary="Cancel a batch")
def cancel(request: HttpRequest, batch_id: str) -> Status[BatchOut]:
    """Accepted at once. Chunks at work are finished; what was done stays done."""
    batch = _batch(request, batch_id, "batch.change_batch")
    services.cancel_batch(batch=batch, user=account(request))
    batch.refresh_from_db()
    return Status(202, _shown(batch))


def _batch(request: HttpRequest, batch_id: str, permission: str) -> Batch:
    _require(request, permission)
    return get_object_or_404(Batch, batch_id=batch_id)


def _require(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied(f"This needs the permission {permission}.")


def _shown(batch: Batch) -> BatchOut:
    return BatchOut(
        batch_id=batch.batch_id,
        workflow_id=batch.workflow_id,
        action=batch.action,
        status=services.batch_status(batch=batch),
        total=batch.total,
        created_at=batch.created_at,
        finished_at=batch.finished_at,
        **batch.counts(),
    )
