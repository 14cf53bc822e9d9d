"""Write side of the outbox. Read side: relay.py.

Starting a workflow inside a transaction can start it for rows that are then rolled back; starting it after the commit can
lose it when the process dies in between. A row in the same transaction does neither.
"""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from pydantic_core import to_jsonable_python

from apps.temporal import client, relay
from apps.temporal.models import OutboxMessage

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def enqueue_start(workflow: str, argument: "DataclassInstance", *, workflow_id: str) -> OutboxMessage:
    """Start a workflow, by its registered name, if and only if this transaction commits.

    A second call for the same workflow id changes nothing and returns the first message.
    Raises RuntimeError outside a transaction.
    """
    if not connection.in_atomic_block:
        raise RuntimeError(
            "enqueue_start() needs the transaction that made the workflow necessary: wrap the caller in transaction.atomic()."
        )
    payload: dict[str, Any] = {
        "workflow": workflow,
        "task_queue": settings.TEMPORAL_TASK_QUEUE,
        "argument": to_jsonable_python(argument),
    }
    message, created = OutboxMessage.objects.get_or_create(
        dedupe_key=start_key(workflow_id),
        defaults={"kind": OutboxMessage.Kind.START, "aggregate_id": workflow_id, "payload": payload},
    )
    if created and settings.TEMPORAL_RELAY_ON_COMMIT:
        transaction.on_commit(lambda: relay.nudge(message.pk), robust=True)
    return message


def execution_status(workflow_id: str) -> str:
    """Where an execution stands: pending (accepted, not yet started), or what the server says of it.

    Raises ExecutionNotFound when neither this project nor the server knows it, TemporalUnavailable when it cannot be asked.
    """
    match _starts(workflow_id).values_list("status", flat=True).first():
        case OutboxMessage.Status.PENDING:
            return "pending"
        case OutboxMessage.Status.DEAD:
            return "failed"
        case OutboxMessage.Status.CANCELED:
            return "canceled"
        case _:
            return client.describe(workflow_id).status


def cancel_execution(workflow_id: str) -> None:
    """Ask an execution to stop cleanly; one that was not yet started never will be. Raises as execution_status does."""
    if not _starts(workflow_id).filter(status=OutboxMessage.Status.PENDING).update(status=OutboxMessage.Status.CANCELED):
        client.cancel(workflow_id)


def _starts(workflow_id: str) -> QuerySet[OutboxMessage]:
    return OutboxMessage.objects.filter(dedupe_key=start_key(workflow_id))


def start_key(workflow_id: str) -> str:
    """The dedupe key of a start."""
    return f"{OutboxMessage.Kind.START}:{workflow_id}"
