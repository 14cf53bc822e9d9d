"""What both sides do to a request: the workflow's, asking.py, and the people's, services.py.

The execution is locked first, then its request, by everyone: so decisions follow one another and nothing waits in a circle.
"""

from collections.abc import Iterable
from uuid import UUID

from django.utils import timezone

from apps.approvals import tasks
from apps.approvals.models import PeopleRequest
from apps.approvals.shared import GOOD
from apps.executions import projection
from apps.executions.models import Actor, Execution

Status = PeopleRequest.Status


def locked(request_id: UUID | str) -> PeopleRequest:
    """A request as it is now, locked with its execution until the transaction ends."""
    execution_id = PeopleRequest.objects.values_list("execution", flat=True).get(pk=request_id)
    execution = Execution.objects.select_for_update().get(pk=execution_id)
    request = PeopleRequest.objects.select_for_update().get(pk=request_id)
    request.execution = execution
    return request


def settle(request: PeopleRequest, status: str, *, user: Actor = None, reason: str) -> None:
    """Give a locked request its end. Its execution goes on as soon as it waits for nobody else."""
    request.status, request.decided_at = Status(status), timezone.now()
    request.save(update_fields=["status", "decided_at"])
    withdraw(request)
    if PeopleRequest.objects.pending().filter(execution=request.execution).exists():
        projection.note(request.execution, "decided", by="workflow", user=user, reason=reason)
    else:
        projection.resume(request.execution, user=user, reason=reason)


def verdict(request: PeopleRequest) -> str:
    """What the answers so far make of a locked request, empty while they are not enough."""
    states = list(request.people.deciding().values_list("status", flat=True))
    if states.count(request.yes) >= request.quorum:
        return request.yes
    return request.no if states.count(request.no) > len(states) - request.quorum else ""


def execution_status(request: PeopleRequest) -> str:
    """What becomes of the execution: paused while it waits, running, or failed after a no."""
    if request.status == Status.PENDING:
        return "paused"
    return "running" if request.status in GOOD else "failed"


def cancel_all(execution: Execution) -> None:
    """Nobody is asked any more by a locked execution that has ended."""
    cancel(PeopleRequest.objects.pending().filter(execution=execution))


def cancel(requests: Iterable[PeopleRequest]) -> None:
    """End requests of a locked execution without an answer."""
    for request in requests:
        request.status, request.decided_at = Status.CANCELED, timezone.now()
        request.save(update_fields=["status", "decided_at"])
        withdraw(request)


def withdraw(request: PeopleRequest) -> None:
    """Have a provider ask nobody any more for what is over and not signed."""
    if request.handed_over_at and request.status != Status.SIGNED:
        tasks.withdraw.enqueue(str(request.pk))
