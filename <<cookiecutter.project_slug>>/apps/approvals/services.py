"""What people do to what they were asked. Each is one transaction: the answer, its line in the audit trail, and the signal."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from apps.approvals import asking, settling
from apps.approvals.models import BUILT_IN, PeopleRequest, Person, ProviderEvent
from apps.approvals.shared import ApprovalDecision, SignatureUpdate
from apps.executions import projection
from apps.executions.models import Actor
from apps.temporal import outbox

# How often something can be handed on from one to the next.
MAX_HANDED = 5
MAX_COMMENT = 2_000


class AlreadyDecided(Exception):  # noqa: N818  says what is so, as Django's DoesNotExist does
    """This person, or enough others, have answered, or it was handed to somebody else."""


class TooLate(Exception):  # noqa: N818  as above
    """The time is over, or the execution has ended otherwise."""


@dataclass(frozen=True, kw_only=True)
class ProviderUpdate:
    """What a signature provider says: who has done what, of a request that it knows as `ref` and we as `request_id`."""

    event_id: str
    ref: str
    request_id: UUID | None = None
    signers: dict[str, str] = field(default_factory=dict)
    data: Any = None


@transaction.atomic
def decide(
    person: Person, decision: str, *, comment: str = "", user: Actor = None, signed_name: str = "", address: str | None = None
) -> PeopleRequest:
    """Answer, once for each person, what this site itself asks. Raises ValidationError by field name, AlreadyDecided, TooLate."""
    request, person = _locked(person)
    if decision not in {request.yes, request.no}:
        raise ValidationError({"decision": f"There is no decision {decision!r}: choose {request.yes} or {request.no}."})
    _require_open(request, person)
    if request.provider != BUILT_IN:
        raise ValidationError({"decision": "Another service takes this signature: sign or decline there."})
    person.comment, person.signed_name, person.address, person.user = comment, signed_name, address, user or person.user
    _answer(request, person, decision, user=user)
    _conclude(request)
    return request


@transaction.atomic
def delegate(person: Person, email: str, *, comment: str = "", user: Actor = None) -> Person:
    """Hand the decision to somebody else, who is written to. Raises ValidationError by field name, AlreadyDecided, TooLate."""
    request, person = _locked(person)
    _require_open(request, person)
    if not request.may_delegate or request.provider != BUILT_IN:
        raise ValidationError({"email": "This cannot be handed to somebody else."})
    if _handed(person) >= MAX_HANDED:
        raise ValidationError({"email": f"This was handed on {MAX_HANDED} times: decide, or let the time pass."})
    try:
        email = asking.read_address(email)
    except asking.CannotAsk as error:
        raise ValidationError({"email": "This is no e-mail address."}) from error
    if request.people.filter(email=email).exists():
        raise ValidationError({"email": f"{email} is asked already."})
    person.comment = comment
    _answer(request, person, Person.Status.DELEGATED, user=user, to=email)
    return asking.add_person(request, email, position=person.position, delegated_by=person)


@transaction.atomic
def record_update(provider: str, update: ProviderUpdate) -> bool:
    """Take what a provider says, once for each of its messages. Gives whether it had an effect."""
    known = PeopleRequest.objects.filter(provider=provider)
    ours = known.filter(pk=update.request_id) if update.request_id else known.none()
    found = ours.first() or known.exclude(provider_ref="").filter(provider_ref=update.ref).first()
    if found is None:
        return False
    request = settling.locked(found.pk)
    _, is_new = ProviderEvent.objects.get_or_create(
        provider=provider, event_id=update.event_id, defaults={"request": request, "received_at": timezone.now()}
    )
    if not is_new:
        return False
    request.webhook_data = update.data
    request.save(update_fields=["webhook_data"])
    if not request.is_open:
        reason = f"{request.title}: {provider} wrote when it was {request.status}"
        projection.note(request.execution, "too-late", by=provider, reason=reason)
        return False
    for person in request.people.filter(status=Person.Status.PENDING, email__in=update.signers):
        _answer(request, person, update.signers[person.email], user=None)
    _conclude(request)
    return True


def _locked(person: Person) -> tuple[PeopleRequest, Person]:
    request = settling.locked(person.request_id)
    return request, request.people.get(pk=person.pk)


def _require_open(request: PeopleRequest, person: Person) -> None:
    if request.status == PeopleRequest.Status.CANCELED:
        raise TooLate("The workflow has ended meanwhile: no answer is needed any more.")
    is_over = request.status == PeopleRequest.Status.PENDING and not request.is_open
    if is_over or request.status == PeopleRequest.Status.EXPIRED:
        raise TooLate("The time to answer is over.")
    if person.status == Person.Status.DELEGATED:
        raise AlreadyDecided("This was handed to somebody else.")
    if person.status != Person.Status.PENDING:
        raise AlreadyDecided(f"This was answered already: {person.status}.")
    if request.status != PeopleRequest.Status.PENDING:
        raise AlreadyDecided(f"Others have decided already: {request.status}.")


def _answer(request: PeopleRequest, person: Person, status: str, *, user: Actor, to: str = "") -> None:
    person.status, person.decided_at = Person.Status(status), timezone.now()
    person.save()
    said = (
        f"{request.title}: {status} by {person.email}{f' to {to}' if to else ''}{f': {person.comment}' if person.comment else ''}"
    )
    projection.note(request.execution, status, by="user" if user else "person", user=user, reason=said)


def _conclude(request: PeopleRequest) -> None:
    """End the request and signal the workflow, if the answers so far are enough."""
    if not (verdict := settling.verdict(request)):
        return
    settling.settle(request, verdict, reason=f"{request.title}: {verdict}")
    key = str(request.pk)
    name, told = (
        ("approval_decision", ApprovalDecision(approval_id=key, decision=verdict))
        if request.kind == PeopleRequest.Kind.APPROVAL
        else ("signature_update", SignatureUpdate(signature_request_id=key, status=verdict))
    )
    outbox.enqueue_signal(request.execution.temporal_workflow_id, name, told, key=key)


def _handed(person: Person) -> int:
    number = 0
    while person.delegated_by:
        person, number = person.delegated_by, number + 1
    return number
