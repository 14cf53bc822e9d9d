"""Asking people, for activities: of kinds of steps, and of any workflow of code that waits by waiting.py. Read side: views.py.

A request is one for each step and attempt: an activity that is repeated finds it, with the same links in the same mails.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone
from temporalio.exceptions import ApplicationError

from apps.approvals import links, settling, tasks
from apps.approvals.models import BUILT_IN, Attachment, PeopleRequest, Person
from apps.approvals.providers import known
from apps.approvals.providers.base import Envelope, ProviderRefused
from apps.approvals.shared import EXPIRED, Answer, Asked
from apps.executions import catalog, projection
from apps.executions.models import Execution
from apps.users.models import User

MAX_PEOPLE = 100
MAX_TITLE = 200
# In bytes, of all documents of a request together.
MAX_ATTACHED = 20 * 2**20
# Until the row of an execution that goes on again is asked once more.
NOT_UNDER_WAY = timedelta(seconds=30)


class CannotAsk(ValueError):  # noqa: N818  says what is so, as Django's DoesNotExist does
    """What was to be asked makes no sense. The message is a sentence for the author."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """A document to decide on or to sign."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of whom. `people` are addresses; `quorum` is any, all or a number of those who must say yes.

    Without an answer after `timeout` the request expires; an approval with on_timeout="approve" counts as a yes. Who has not
    answered is reminded so long after the beginning as `remind_after` says.
    """

    kind: Literal["approval", "signature"]
    people: Sequence[str]
    title: str = ""
    message: str = ""
    quorum: str | int = "any"
    timeout: timedelta = timedelta(hours=48)
    on_timeout: Literal["fail", "approve"] = "fail"
    remind_after: Sequence[timedelta] = ()
    may_delegate: bool = True
    provider: str = BUILT_IN
    documents: Sequence[Document] = ()


def open_request(*, execution_id: str, step: str, question: Question) -> Asked:
    """Ask, once for each attempt of a step, and pause the execution in the same transaction.

    Raises CannotAsk, and ProviderFailed where the service that takes the signatures may do so later.
    """
    request = _opened(execution_id, step, question)
    if request.provider != BUILT_IN and request.is_open and not request.handed_over_at:
        _hand_over(request)
        request.refresh_from_db()
    return _asked(request)


@transaction.atomic
def remind(asked_id: str) -> int:
    """Write once more to those who have not answered, once for each moment at which that was planned, and give their number."""
    request = PeopleRequest.objects.get(pk=asked_id)
    # The clock of the server that wakes the workflow may be a little ahead.
    soon = timezone.now() + timedelta(minutes=1)
    moment = max((moment for moment in request.remind_at if datetime.fromisoformat(moment) <= soon), default="by hand")
    waiting = Person.objects.waiting().filter(request=request)
    for person in waiting:
        tasks.tell_person.enqueue(str(person.pk), reminder=moment)
    return len(waiting)


@transaction.atomic
def expire(asked_id: str) -> Answer:
    """End a request whose time is over, or give the answer that came at the last moment."""
    request = settling.locked(asked_id)
    if request.status == PeopleRequest.Status.PENDING:
        status = request.yes if request.auto_approve_on_timeout else EXPIRED
        reason = f"{request.title}: nobody decided in time" + (f", which counts as {status}" if status != EXPIRED else "")
        settling.settle(request, status, reason=reason)
    return Answer(id=asked_id, status=request.status)


def output_of(asked_id: str) -> dict[str, Any]:
    """What later steps may use of a request: id, kind, status and what each person said."""
    request = PeopleRequest.objects.get(pk=asked_id)
    decisions = [
        {
            "email": person.email,
            "status": person.status,
            "comment": person.comment,
            "decided_at": person.decided_at.isoformat() if person.decided_at else None,
        }
        for person in request.people.deciding()
    ]
    return {"id": str(request.pk), "kind": request.kind, "status": request.status, "decisions": decisions}


@transaction.atomic
def _opened(execution_id: str, step: str, question: Question) -> PeopleRequest:
    execution = Execution.objects.select_for_update().get(pk=execution_id)
    of_step = PeopleRequest.objects.filter(execution=execution, step=step)
    if repeated := of_step.filter(attempt=execution.attempt).first():
        return repeated
    if not execution.is_open:
        # Whoever asks is under way: the row learns of that within a minute.
        raise ApplicationError(f"the execution is {execution.status}", type="NotUnderWay", next_retry_delay=NOT_UNDER_WAY)
    if question.kind == "signature" and question.on_timeout == "approve":
        raise CannotAsk("no answer is no signature")
    settling.cancel(of_step.pending())
    people, now = _people(question), timezone.now()
    if question.provider != BUILT_IN and _quorum(question.quorum, len(people)) < len(people):
        raise CannotAsk(f"{question.provider} takes the signatures of all: the quorum must be all")
    request = PeopleRequest.objects.create(
        kind=question.kind,
        execution=execution,
        step=step,
        attempt=execution.attempt,
        title=" ".join((question.title or catalog.title(execution.workflow)).split())[:MAX_TITLE],
        message=question.message,
        quorum=_quorum(question.quorum, len(people)),
        on_timeout=question.on_timeout,
        may_delegate=question.may_delegate,
        created_at=now,
        expires_at=now + question.timeout,
        remind_at=[(now + after).isoformat() for after in sorted(question.remind_after) if after < question.timeout],
        provider=question.provider,
    )
    _attach(request, question.documents)
    for position, email in enumerate(people):
        add_person(request, email, position=position)
    projection.pause(execution, reason=f"{request.title}: waiting for {', '.join(people)}")
    return request


def add_person(request: PeopleRequest, email: str, *, position: int, delegated_by: Person | None = None) -> Person:
    """Ask somebody by mail, whether there is an account with that address or not."""
    person = Person(request=request, email=email, position=position, delegated_by=delegated_by)
    person.user = User.objects.filter(email=email, is_active=True).first()
    person.token_digest = links.first_digest(person.pk)
    person.save(force_insert=True)
    if request.provider == BUILT_IN:
        tasks.tell_person.enqueue(str(person.pk))
    return person


def read_address(text: str) -> str:
    """An e-mail address as it is stored. Raises CannotAsk."""
    address = text.strip().lower()
    try:
        validate_email(address)
    except ValidationError as error:
        raise CannotAsk(f"{text!r} is no e-mail address") from error
    return address


def _hand_over(request: PeopleRequest) -> None:
    """Have a service take the signatures. A draft that a crash leaves behind there asks nobody."""
    provider = known.PROVIDERS[request.provider]
    if not known.is_set_up(request.provider):
        raise CannotAsk(f"{request.provider} is not set up: give its token in the settings")
    try:
        if not request.provider_ref:
            _keep(request, provider.prepare(request))
        if not PeopleRequest.objects.pending().filter(pk=request.pk, handed_over_at=None).exists():
            return
        provider.begin(request)
    except ProviderRefused as error:
        raise CannotAsk(str(error)) from error
    with transaction.atomic():
        request = settling.locked(request.pk)
        request.handed_over_at = timezone.now()
        request.save(update_fields=["handed_over_at"])
        if not request.is_open:
            # The execution was stopped while the service was told.
            settling.withdraw(request)
        elif not provider.mails_itself:
            for person in request.people.all():
                tasks.tell_person.enqueue(str(person.pk))


@transaction.atomic
def _keep(request: PeopleRequest, envelope: Envelope) -> None:
    """Keep the first envelope: an attempt that was thought dead and is only slow goes on with that of the attempt after it."""
    if PeopleRequest.objects.filter(pk=request.pk, provider_ref="").update(provider_ref=envelope.ref):
        for email, url in envelope.urls.items():
            request.people.filter(email=email).update(signing_url=url)
    request.refresh_from_db(fields=["provider_ref"])


def _people(question: Question) -> list[str]:
    people = list(dict.fromkeys(read_address(text) for text in question.people))
    if not people:
        raise CannotAsk("there is nobody to ask")
    if len(people) > MAX_PEOPLE:
        raise CannotAsk(f"{len(people)} people are to be asked, and {MAX_PEOPLE} at most can be")
    return people


def _quorum(wanted: str | int, people: int) -> int:
    number = {"any": 1, "all": people}.get(str(wanted)) or int(wanted)
    if not 1 <= number <= people:
        raise CannotAsk(f"{number} of {people} people are to say yes")
    return number


def _attach(request: PeopleRequest, documents: Sequence[Document]) -> None:
    if sum(len(document.content) for document in documents) > MAX_ATTACHED:
        raise CannotAsk(f"the documents have more than {MAX_ATTACHED // 2**20} MiB")
    Attachment.objects.bulk_create(
        Attachment(
            request=request,
            name=document.name[:200],
            media_type=document.media_type,
            content=document.content,
            digest=hashlib.sha256(document.content).hexdigest(),
        )
        for document in documents
    )


def _asked(request: PeopleRequest) -> Asked:
    return Asked(
        id=str(request.pk),
        kind="approval" if request.kind == PeopleRequest.Kind.APPROVAL else "signature",
        expires_at=request.expires_at,
        remind_at=tuple(datetime.fromisoformat(moment) for moment in request.remind_at),
        status="" if request.status == PeopleRequest.Status.PENDING else request.status,
    )
