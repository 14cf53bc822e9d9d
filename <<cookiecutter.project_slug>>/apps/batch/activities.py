"""The effects of a batch: open it, plan it, work through a range of it, close it."""

from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DatabaseError, InterfaceError, OperationalError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from temporalio import activity
from temporalio.exceptions import ApplicationError, CancelledError

from apps.batch.actions import ACTIONS, RowAction
from apps.batch.models import Batch, BatchRange
from apps.batch.rows import check_action, count, described
from apps.batch.shared import (
    PLAN_SIZE,
    RANGE_SIZE,
    SAMPLE_SIZE,
    CloseBatchInput,
    ClosedBatch,
    Key,
    OpenBatchInput,
    Plan,
    PlanInput,
    RangeInput,
    RangeResult,
)
from apps.executions.progress import report_progress
from apps.users.models import User

type Rows = list[Any] | QuerySet[Any]


@activity.defn
def open_batch(wanted: OpenBatchInput) -> int:
    """Create the batch's row, where whoever started it has not, and count its rows. A bad description is final."""
    try:
        check_action(wanted.action, wanted.rows)
        total = count(wanted.rows) if wanted.rows else wanted.user_count
    except ValidationError as error:
        raise ApplicationError(" ".join(error.messages), type="InvalidBatch", non_retryable=True) from error
    Batch.objects.update_or_create(
        batch_id=wanted.batch_id,
        defaults={"status": Batch.Status.RUNNING, "total": total},
        create_defaults={"status": Batch.Status.RUNNING, "total": total, "action": wanted.action},
    )
    return total


@activity.defn
def plan_ranges(wanted: PlanInput) -> Plan:
    """Cut what comes after a primary key into ranges by walking the index, never by counting pages from the start."""
    rows = described(wanted.rows)
    bounds: list[Key] = []
    after = wanted.after
    while len(bounds) < PLAN_SIZE:
        activity.heartbeat(after)
        ahead = rows if after is None else rows.filter(pk__gt=after)
        keys = ahead.values_list("pk", flat=True)
        full = next(iter(keys[RANGE_SIZE - 1 : RANGE_SIZE]), None)
        if full is None:
            last = keys.last()
            return Plan(bounds=bounds if last is None else [*bounds, _wire(last)], complete=True)
        after = _wire(full)
        bounds.append(after)
    return Plan(bounds=bounds, complete=False)


# No exception out of nowhere in this thread: a cancel is looked for between chunks, where nothing is half done.
@activity.defn(no_thread_cancel_exception=True)
def process_range(wanted: RangeInput) -> RangeResult:
    """Work through a range, a chunk a transaction; an attempt after a crash goes on where the last chunk was committed."""
    batch = Batch.objects.get(batch_id=wanted.batch_id)
    rows = User.objects.order_by("pk") if wanted.rows is None else described(wanted.rows).filter(pk__lte=wanted.upto)
    while not (progress := _process_chunk(batch, wanted, rows)).finished:
        report_progress(progress.succeeded + progress.failed, len(wanted.user_ids) or RANGE_SIZE, heartbeat=[progress.cursor])
        if activity.is_cancelled():
            raise CancelledError("cancelled between two chunks")
    return RangeResult(succeeded=progress.succeeded, failed=progress.failed)


@activity.defn
def close_batch(wanted: CloseBatchInput) -> ClosedBatch:
    """Record how the batch ended and give its figures: none when it ended before it was opened."""
    batch = Batch.objects.filter(batch_id=wanted.batch_id).first()
    if batch is None:
        return ClosedBatch(succeeded=0, failed=0, failures=[])
    if batch.finished_at is None:
        batch.status, batch.finished_at = wanted.status, timezone.now()
        batch.save(update_fields=["status", "finished_at"])
    return ClosedBatch(**batch.counts(), failures=batch.sample_of_failures(SAMPLE_SIZE))


def _process_chunk(batch: Batch, wanted: RangeInput, rows: QuerySet[Any]) -> BatchRange:
    """Do a chunk at once. If that raises, do it row by row, so that a row nobody foresaw fails alone."""
    try:
        return _commit_chunk(batch, wanted, rows, RowAction.do)
    except (OperationalError, InterfaceError):
        # The database, not a row: the whole chunk is tried again.
        raise
    except Exception:
        return _commit_chunk(batch, wanted, rows, _one_by_one)


@transaction.atomic
def _commit_chunk(
    batch: Batch, wanted: RangeInput, rows: QuerySet[Any], do: Callable[[RowAction, Rows], Mapping[Any, str]]
) -> BatchRange:
    """One chunk: the rows, their failures and the cursor are committed together or not at all.

    The lock keeps an attempt that was given up for dead, but lives, from doing a chunk beside its successor.
    """
    locked = BatchRange.objects.select_for_update()
    progress, _ = locked.get_or_create(batch=batch, number=wanted.number, defaults={"cursor": wanted.after})
    if progress.finished:
        return progress
    action = ACTIONS[batch.action]
    keys, found, chunk = _next_chunk(action, wanted, rows, progress.cursor)
    gone = set(keys).difference(found) if len(found) < len(keys) else set()
    reasons = {**dict.fromkeys(gone, "there is no such row"), **(do(action, chunk) if found else {})}
    refused = {key: reasons[key] for key in sorted(reasons) if reasons[key]}
    batch.record_failures(refused)
    progress.failed += len(refused)
    progress.succeeded += len(keys) - len(refused)
    progress.cursor = _wire(keys[-1]) if keys else progress.cursor
    progress.finished = len(keys) < action.chunk_size
    progress.save()
    return progress


def _next_chunk(
    action: RowAction, wanted: RangeInput, rows: QuerySet[Any], cursor: Key | None
) -> tuple[list[Any], list[Any], Rows]:
    """The next keys in order, those that there are, and their rows. Listed accounts may be missing, described rows cannot."""
    if wanted.rows is None:
        listed = [user_id for user_id in wanted.user_ids if cursor is None or user_id > int(cursor)][: action.chunk_size]
        page = rows.filter(pk__in=listed)
    else:
        page = (rows if cursor is None else rows.filter(pk__gt=cursor))[: action.chunk_size]
    chunk: Rows
    if action.set_based:
        found = list(page.values_list("pk", flat=True))
        chunk = rows.filter(pk__in=found)
    else:
        chunk = list(page)
        found = [row.pk for row in chunk]
    return (listed if wanted.rows is None else found), found, chunk


def _one_by_one(action: RowAction, rows: Rows) -> Mapping[Any, str]:
    """Do it to each row alone. What it raises is the reason for that row."""
    refused: dict[Any, str] = {}
    for row in rows:
        try:
            with transaction.atomic():
                refused |= action.do(rows.filter(pk=row.pk) if isinstance(rows, QuerySet) else [row])
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            if not isinstance(error, DatabaseError):
                activity.logger.exception("row_failed", extra={"row": str(row.pk)})
            refused[row.pk] = f"{type(error).__name__}: {error}"
    return refused


def _wire(key: Any) -> Key:
    return key if isinstance(key, int) else str(key)
