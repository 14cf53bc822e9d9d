"""Starting, watching and cancelling batches."""

from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet, Sum
from django.utils import timezone
from pydantic_core import to_jsonable_python

from apps.batch.models import Batch, BatchFailure
from apps.batch.rows import check_action
from apps.batch.shared import MAX_USER_IDS, WORKFLOW, BatchProcessingWorkflowInput, RowQuery, batch_workflow_id
from apps.executions.models import Execution
from apps.executions.services import start_workflow, stop_workflow
from apps.temporal.exceptions import ExecutionNotFound, TemporalUnavailable
from apps.temporal.outbox import execution_status, is_start_kept
from apps.users.models import User


@transaction.atomic
def start_batch(
    *,
    batch_id: str,
    action: str,
    user_ids: Sequence[int] = (),
    rows: RowQuery | None = None,
    user: User | None = None,
    trigger: str = Execution.Trigger.CODE,
) -> Batch:
    """Start a batch if, and only if, this transaction commits. The same call again gives the same batch.

    Raises ValidationError, by field name, for a bad description or an id that another batch has.
    """
    wanted = BatchProcessingWorkflowInput(batch_id=batch_id, user_ids=list(user_ids), rows=rows, action=action)
    _check(wanted)
    batch, _ = Batch.objects.get_or_create(batch_id=batch_id, defaults={"action": action})
    if batch.finished_at and not is_start_kept(batch.workflow_id):
        return batch
    execution = start_workflow(WORKFLOW, wanted, workflow_id=batch_workflow_id(batch_id), user=user, by=user, trigger=trigger)
    if execution.input != to_jsonable_python(wanted):
        raise ValidationError({"batch_id": f"{batch_id!r} is the id of another batch: choose a new one."})
    if execution.status == Execution.Status.CANCELED and execution.started_at is None:
        _note_canceled(batch)
    return batch


def batch_status(*, batch: Batch) -> str:
    """Where the batch stands. The server knows best; without it, what the batch itself recorded last."""
    if batch.finished_at:
        return batch.status
    try:
        return execution_status(batch.workflow_id)
    except (TemporalUnavailable, ExecutionNotFound):
        return batch.status


def cancel_batch(*, batch: Batch, user: User | None = None) -> None:
    """Stop it, as `user` asked: chunks at work are finished, no others begun. Raises ExecutionNotFound, TemporalUnavailable."""
    if stop_workflow(batch.workflow_id, user=user):
        _note_canceled(batch)


def batches_with_counts(*, status: str | None) -> QuerySet[Batch]:
    """Batches of a status or all, newest first, each with its `succeeded` and `failed`."""
    found = Batch.objects.filter(status=status) if status else Batch.objects.all()
    # A query with sums forgets the order of Meta.
    return found.annotate(succeeded=Sum("ranges__succeeded", default=0), failed=Sum("ranges__failed", default=0)).order_by("-pk")


def failures_of(*, batch: Batch) -> QuerySet[BatchFailure]:
    """The rows that failed, in the order they were met."""
    return batch.failures.order_by("pk")


def _note_canceled(batch: Batch) -> None:
    """Of one that never started nobody else says so."""
    Batch.objects.filter(pk=batch.pk, finished_at=None).update(status=Batch.Status.CANCELED, finished_at=timezone.now())
    batch.refresh_from_db()


def _check(wanted: BatchProcessingWorkflowInput) -> None:
    if bool(wanted.user_ids) == bool(wanted.rows):
        raise ValidationError({"user_ids": "Name the rows in one way: either user_ids or rows."})
    if len(wanted.user_ids) > MAX_USER_IDS:
        raise ValidationError({"user_ids": f"More than {MAX_USER_IDS:,} ids do not fit one input: describe the rows instead."})
    check_action(wanted.action, wanted.rows)
