"""Write side of the outbox. Read side: relay.py.

Telling Temporal inside a transaction can tell it of rows that are then rolled back; telling it after the commit can be lost
when the process dies in between. A row in the same transaction does neither.
"""

import json
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from pydantic_core import PydanticSerializationError, to_jsonable_python

from apps.temporal import client, queues, registry, relay, tracing
from apps.temporal.converter import MAX_PAYLOAD
from apps.temporal.exceptions import Refused
from apps.temporal.models import OutboxMessage

Kind, Status = OutboxMessage.Kind, OutboxMessage.Status


def enqueue(kind: str, aggregate_id: str, payload: dict[str, Any], *, key: str, alone: bool = False) -> OutboxMessage:
    """Tell Temporal something if, and only if, this transaction commits. A second call for the same key changes nothing.

    Messages about one aggregate arrive in their order. `alone` says that no other row depends on it, so that it may be
    written outside a transaction. Raises RuntimeError outside one otherwise, Refused for what Temporal would never take.
    """
    if not (alone or connection.in_atomic_block):
        raise RuntimeError(
            f"A {kind} needs the transaction that made it necessary: wrap the caller in transaction.atomic(), "
            "or pass alone=True where no row depends on it."
        )
    if trace := tracing.carrier():
        payload = payload | {"trace": trace}
    message, created = OutboxMessage.objects.get_or_create(
        dedupe_key=f"{kind}:{aggregate_id}:{key}" if key else f"{kind}:{aggregate_id}",
        defaults={"kind": kind, "aggregate_id": aggregate_id, "payload": _plain(aggregate_id, payload)},
    )
    if created and settings.TEMPORAL_RELAY_ON_COMMIT:
        transaction.on_commit(relay.nudge, robust=True)
    return message


def enqueue_start(
    workflow: str, argument: Any, *, workflow_id: str, tenant: str = "", task_queue: str = "", alone: bool = False
) -> OutboxMessage:
    """Start a workflow, by its registered name, on the queue of the tenant, the given one, or TEMPORAL_TASK_QUEUE.

    An id is started once. Raises as enqueue does, and Refused when this project has no such workflow.
    """
    where = queues.route(tenant, task_queue)
    if workflow not in registry.workflows() and where.task_queue in queues.polled_by_default():
        raise Refused(f"There is no workflow {workflow!r}: choose {', '.join(sorted(registry.workflows()))}.")
    payload = {"workflow": workflow, "argument": argument, "task_queue": where.task_queue, "fairness_key": where.fairness_key}
    return enqueue(Kind.START, workflow_id, payload, key="", alone=alone)


def enqueue_signal(workflow_id: str, signal: str, argument: Any, *, key: str, alone: bool = False) -> OutboxMessage:
    """Signal an execution, once for each `key`. Raises as enqueue does."""
    return enqueue(Kind.SIGNAL, workflow_id, {"name": signal, "argument": argument}, key=key, alone=alone)


def enqueue_update(workflow_id: str, update: str, argument: Any, *, key: str, alone: bool = False) -> OutboxMessage:
    """Update an execution, once for each `key`, without waiting for the answer: a rejected one is a dead message.

    Raises as enqueue does.
    """
    return enqueue(Kind.UPDATE, workflow_id, {"name": update, "argument": argument}, key=key, alone=alone)


def enqueue_terminate(workflow_id: str, *, reason: str, alone: bool = False) -> OutboxMessage:
    """End an execution without letting it clean up. Raises as enqueue does."""
    return enqueue(Kind.TERMINATE, workflow_id, {"reason": reason}, key=str(uuid4()), alone=alone)


def enqueue_reset(workflow_id: str, *, run_id: str, to: str, reason: str, attempt: int, alone: bool = False) -> OutboxMessage:
    """Have a run go on from an earlier point, as operations.reset does: once for each `attempt`. Raises as enqueue does."""
    payload = {"run_id": run_id, "to": to, "reason": reason}
    return enqueue(Kind.RESET, workflow_id, payload, key=f"{run_id}:{attempt}", alone=alone)


def last_reset(workflow_id: str) -> OutboxMessage | None:
    """The latest message that has an execution go on from an earlier point, until the outbox forgets it."""
    return OutboxMessage.objects.filter(kind=Kind.RESET, aggregate_id=workflow_id).order_by("-pk").first()


def execution_status(workflow_id: str, *, timeout: float = client.TIMEOUT) -> str:
    """Where an execution stands: pending (accepted, not yet started), or what the server says of it within `timeout` seconds.

    Raises ExecutionNotFound when neither this project nor the server knows it, TemporalUnavailable when it cannot be asked.
    """
    match _starts(workflow_id).values_list("status", flat=True).first():
        case Status.PENDING:
            return "pending"
        case Status.DEAD:
            return "failed"
        case Status.CANCELED:
            return "canceled"
        case _:
            return client.describe(workflow_id, timeout=timeout).status


def cancel_execution(workflow_id: str, *, is_known: bool = False) -> bool:
    """Ask an execution to stop cleanly. True when it had not started and never will.

    One of which the outbox has forgotten the start is looked for at the server, unless the caller says that `is_known`.
    Raises ExecutionNotFound when nobody knows it, TemporalUnavailable when only the server can tell.
    """
    return _stop(workflow_id, Kind.CANCEL, {}, is_known=is_known)


def terminate_execution(workflow_id: str, *, reason: str, is_known: bool = False) -> bool:
    """End an execution without letting it clean up. Gives and raises as cancel_execution does."""
    return _stop(workflow_id, Kind.TERMINATE, {"reason": reason}, is_known=is_known)


@transaction.atomic
def _stop(workflow_id: str, kind: str, payload: dict[str, Any], *, is_known: bool) -> bool:
    start = _starts(workflow_id).select_for_update().first()
    if start is None and not is_known:
        client.describe(workflow_id)
    elif start and start.status in {Status.DEAD, Status.CANCELED}:
        return True
    # While a relay sends it, what stops it waits its turn behind it.
    unsent = start is not None and start.status == Status.PENDING and not start.is_leased(timezone.now())
    if start is not None and unsent:
        start.status = Status.CANCELED
        start.save(update_fields=["status"])
        if not start.last_error:
            return True
    # An attempt without an answer may have arrived.
    enqueue(kind, workflow_id, payload, key=str(uuid4()))
    return unsent


def is_start_kept(workflow_id: str) -> bool:
    """Whether the outbox has the start of an execution: it forgets what was sent TEMPORAL_OUTBOX_RETENTION days ago."""
    return _starts(workflow_id).exists()


def start_key(workflow_id: str) -> str:
    """The dedupe key of a start."""
    return f"{Kind.START}:{workflow_id}"


def _starts(workflow_id: str) -> QuerySet[OutboxMessage]:
    return OutboxMessage.objects.filter(dedupe_key=start_key(workflow_id))


def _plain(aggregate_id: str, payload: dict[str, Any]) -> dict[str, Any]:
    try:
        plain: dict[str, Any] = to_jsonable_python(payload)
    except PydanticSerializationError as error:
        raise Refused(f"What is sent to {aggregate_id} must be plain values, dataclasses or pydantic models: {error}.") from error
    if (size := len(json.dumps(plain, ensure_ascii=False).encode())) > MAX_PAYLOAD:
        raise Refused(
            f"What is sent to {aggregate_id} has {size / 2**20:.1f} MiB and Temporal takes 2: store it and send its key."
        )
    return plain
