"""Mends the rows of executions that could not report: terminated, timed out, reset elsewhere, or left by a killed worker.

The server's list of executions lags behind by moments, so it only says where to look; what is written is what it says of the
one execution when asked.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import batched
from typing import Any, NamedTuple

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Count, F, Q
from django.utils import timezone
from temporalio.client import Client, WorkflowExecution, WorkflowFailureError  # noqa: TID251  their types: asking is apps.temporal's
from temporalio.service import RPCError, RPCStatusCode

from apps.executions import history, projection, states
from apps.executions.models import MAX_ERROR, Execution
from apps.executions.shared import UNTRACKED, said, short
from apps.temporal import client, outbox, queues, registry
from apps.temporal.exceptions import ExecutionNotFound, TemporalUnavailable
from apps.temporal.models import OutboxMessage

logger = logging.getLogger(__name__)

Status = Execution.Status
# A row that changed so lately is given time to change by itself.
REST = timedelta(seconds=5)
# How far the list may lag, and how far back the first look goes.
LAG, FIRST_LOOK = timedelta(minutes=1), timedelta(days=1)
AT_ONCE = 100
ASK_TIMEOUT = 60.0


class Seen(NamedTuple):
    """What the server says of an execution's latest run, and when it was asked. `status` is empty when it knows none."""

    workflow_id: str
    workflow: str
    run_id: str
    status: str
    closed_at: datetime | None
    result: Any = None
    error: str = ""
    started_at: datetime | None = None
    asked_at: datetime | None = None
    is_canceling: bool = False


def reconcile(*, since: datetime | None = None, heartbeat: Callable[..., None] = lambda *_: None) -> int:
    """Compare with the server what is open, and what ran since then, and give how many rows were mended.

    Raises TemporalUnavailable.
    """
    began = since - LAG if since else timezone.now() - FIRST_LOOK
    wanted = list(
        Execution.objects.filter(status__in=states.OPEN, updated_at__lt=timezone.now() - REST)
        .exclude(start_requested_at=None)
        .values_list("temporal_workflow_id", flat=True)
    )
    listed = client.run(lambda c: _listed(c, began), timeout=ASK_TIMEOUT)
    right = _known(listed)
    doubtful = dict.fromkeys(
        [*wanted, *(seen.workflow_id for seen in listed if (seen.workflow_id, seen.run_id, seen.status) not in right)]
    )
    mended = 0
    for some in batched(doubtful, AT_ONCE, strict=False):
        heartbeat(mended)
        for seen in client.run(partial(_described, workflow_ids=some), timeout=ASK_TIMEOUT):
            mended += _alone(seen.workflow_id, partial(mend, seen))
    for execution in _incomplete(began):
        heartbeat(mended)
        mended += _alone(execution.temporal_workflow_id, partial(_complete, execution))
    return mended


def _alone(workflow_id: str, work: Callable[[], bool]) -> bool:
    """Do what concerns one row: what is wrong with it costs no other row. Raises when the database or Temporal is away."""
    try:
        return work()
    except (InterfaceError, OperationalError, TemporalUnavailable):
        raise
    except Exception:
        logger.exception("execution_not_mended", extra={"workflow_id": workflow_id})
        return False


@transaction.atomic
def mend(seen: Seen) -> bool:
    """Make one row what the server says. Gives whether it was something else."""
    rows = Execution.objects.select_for_update()
    execution = rows.filter(temporal_workflow_id=seen.workflow_id).first()
    if execution is None:
        if not seen.status or seen.workflow in UNTRACKED:
            return False
        execution = projection.locked_by_id({seen.workflow_id: seen.workflow})[seen.workflow_id]
    elif seen.asked_at and execution.updated_at > seen.asked_at:
        # The answer may be older than the row. Where it is not, it is the same at the next look.
        return False
    if not seen.status:
        return _mend_unknown(execution)
    if _waits_in_outbox(seen.workflow_id, OutboxMessage.Kind.RESET):
        return False
    return _mend_known(execution, seen)


def _mend_unknown(execution: Execution) -> bool:
    """The server has no such execution: its start waits, was withdrawn or refused, or the server has forgotten it."""
    if not execution.is_open:
        return False
    start = OutboxMessage.objects.filter(dedupe_key=outbox.start_key(execution.temporal_workflow_id)).first()
    match start.status if start else "":
        case OutboxMessage.Status.PENDING:
            return False
        case OutboxMessage.Status.CANCELED:
            status, reason = Status.CANCELED, "It was canceled before it started."
        case OutboxMessage.Status.DEAD:
            status, reason = Status.FAILED, start.last_error if start else ""
        case _ if execution.updated_at > timezone.now() - LAG or _waits_for_parent(execution):
            return False
        case _:
            status, reason = Status.FAILED, "Temporal does not know this execution any more."
    execution.error_message = reason[:MAX_ERROR] if status == Status.FAILED else ""
    projection.change(execution, status, status, by="reconcile", reason=reason)
    return True


def _waits_for_parent(execution: Execution) -> bool:
    """Whether another execution, which is under way, is about to start it."""
    parent = Execution.objects.filter(temporal_workflow_id=execution.trigger_ref, status__in=states.OPEN)
    return execution.status == Status.PENDING and parent.exists()


def _mend_known(execution: Execution, seen: Seen) -> bool:
    if projection.is_superseded(execution, seen.run_id):
        # It is to be reset, and the server had not done that when it was asked; or never will, and says why.
        message = outbox.last_reset(seen.workflow_id)
        if message and message.status == OutboxMessage.Status.SENT:
            return False
        seen = seen._replace(error=seen.error or (message.last_error if message else ""))
    elif not _is_own(execution, seen):
        reason = "It was reset in Temporal itself." if execution.temporal_run_id else "It was started after all."
        projection.begin_attempt(execution, by="reconcile", reason=reason, keep_done=False, run_id=seen.run_id)
        if seen.status != Status.RUNNING:
            _close(execution, seen)
        return True
    if execution.is_open and seen.status != Status.RUNNING:
        _close(execution, seen)
    elif execution.status == Status.PENDING:
        execution.temporal_run_id = seen.run_id
        projection.change(execution, Status.RUNNING, "started", by="reconcile", at=seen.started_at)
    elif execution.temporal_run_id != seen.run_id:
        execution.temporal_run_id = seen.run_id
        projection.store([execution])
    else:
        # Its end was reported a moment before the server had it, or will be known to the server in a moment.
        return execution.is_open and not seen.is_canceling and _cancel_again(execution)
    return True


def _cancel_again(execution: Execution) -> bool:
    """Ask for a cancel again that found nothing to cancel yet: what another execution starts is a moment late. Gives whether."""
    if execution.cancel_requested_at is None or _waits_in_outbox(execution.temporal_workflow_id, OutboxMessage.Kind.CANCEL):
        return False
    outbox.cancel_execution(execution.temporal_workflow_id, is_known=True)
    return True


def _is_own(execution: Execution, seen: Seen) -> bool:
    """Whether the run is what the row is about, as far as the row knows: a closed one's next run is another attempt.

    The row of one that was reset here learns its new run from what that says first, which may take long.
    """
    known, ended = execution.temporal_run_id, execution.completed_at
    if execution.is_open or known == seen.run_id:
        return True
    if not known:
        return execution.status == seen.status
    # One that began before the end was seen here continued the run that the row knows.
    is_later = ended is None or seen.started_at is None or seen.started_at > ended
    return not is_later or projection.is_superseded(execution, known)


def _close(execution: Execution, seen: Seen) -> None:
    if execution.status == Status.PENDING and seen.status in {Status.COMPLETED, Status.FAILED}:
        projection.change(execution, Status.RUNNING, "started", by="reconcile", at=seen.started_at)
    execution.temporal_run_id = seen.run_id
    execution.result, execution.error_message = seen.result, seen.error[:MAX_ERROR]
    projection.change(execution, seen.status, seen.status, by="reconcile", reason=seen.error[:MAX_ERROR], at=seen.closed_at)


def _waits_in_outbox(workflow_id: str, kind: OutboxMessage.Kind) -> bool:
    """Whether something that changes it is on its way, of which the server does not know yet."""
    pending = OutboxMessage.objects.filter(aggregate_id=workflow_id, status=OutboxMessage.Status.PENDING)
    return pending.filter(kind=kind).exists()


def _known(listed: Sequence[Seen]) -> set[tuple[str, ...]]:
    """Of what the list says, that which the rows say, too. Their workflow may have a name that the server does not know."""
    ids = [seen.workflow_id for seen in listed]
    found: set[tuple[str, ...]] = set()
    for some in batched(ids, AT_ONCE, strict=False):
        rows = Execution.objects.filter(temporal_workflow_id__in=some)
        found.update(rows.values_list("temporal_workflow_id", "temporal_run_id", "status"))
    return found


async def _listed(connected: Client, since: datetime) -> list[Seen]:
    # A namespace may have other projects in it, with workflows of the same name.
    ours = {"WorkflowType": sorted(registry.workflows().keys() - UNTRACKED), "TaskQueue": queues.polled_by_default()}
    scope = " AND ".join(f"{field} IN ({', '.join(map(repr, values))})" for field, values in ours.items())
    moment = since.isoformat()
    query = f"{scope} AND (StartTime >= '{moment}' OR CloseTime >= '{moment}')"
    latest: dict[str, Seen] = {}
    async for found in connected.list_workflows(query):
        # The newest run of an id comes first.
        latest.setdefault(found.id, _seen(found))
    return list(latest.values())


async def _described(connected: Client, workflow_ids: Sequence[str]) -> list[Seen]:
    asked = (_describe(connected, workflow_id) for workflow_id in workflow_ids)
    answers = await asyncio.gather(*asked, return_exceptions=True)
    seen: list[Seen] = []
    for workflow_id, answer in zip(workflow_ids, answers, strict=True):
        if isinstance(answer, Seen):
            seen.append(answer)
        elif isinstance(answer, RPCError) or not isinstance(answer, Exception):
            raise answer
        else:
            # Such as a result that nobody here can read: a key of the codec is missing.
            logger.error("execution_not_described", exc_info=answer, extra={"workflow_id": workflow_id})
    return seen


async def _describe(connected: Client, workflow_id: str) -> Seen:
    handle, asked_at = connected.get_workflow_handle(workflow_id), timezone.now()
    try:
        found = await handle.describe()
        is_canceling = found.raw_description.workflow_extended_info.cancel_requested
        seen = _seen(found)._replace(asked_at=asked_at, is_canceling=is_canceling)
        if seen.status != Status.RUNNING:
            return seen._replace(result=short(await asyncio.wait_for(handle.result(), client.TIMEOUT)))
    except WorkflowFailureError as error:
        return seen._replace(error=said(error.cause)[:MAX_ERROR])
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND and not client.is_about_namespace(error):
            return Seen(workflow_id, "", "", "", None, asked_at=asked_at)
        raise
    return seen


def _seen(found: WorkflowExecution) -> Seen:
    status = found.status.name.lower() if found.status else ""
    return Seen(found.id, found.workflow_type, found.run_id, status, found.close_time, started_at=found.start_time)


def _incomplete(since: datetime) -> list[Execution]:
    """Executions of which fewer tasks were stored than their last run has scheduled, or that ended without saying how many."""
    last_run = Q(tasks__run_id=F("temporal_run_id")) | Q(tasks__carried=True, tasks__attempt=F("attempt"))
    closed = Execution.objects.filter(status__in=states.CLOSED, updated_at__gte=since).exclude(temporal_run_id="")
    closed = closed.filter(updated_at__lt=timezone.now() - REST).annotate(stored=Count("tasks", filter=last_run))
    return list(closed.filter(Q(activities=None) | Q(stored__lt=F("activities"))))


def _complete(execution: Execution) -> bool:
    """Take over from the history what the rows lack."""
    try:
        return projection.complete(execution, history.tasks_of(execution))
    except ExecutionNotFound:
        return False
