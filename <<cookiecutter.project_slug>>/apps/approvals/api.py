"""`/api/v1/approvals` and `/api/v1/webhooks/signature`: what people are asked, and what they and signature providers answer.

An account answers what it was asked. All others bring a credential of their own: a link's token, or the signature of the body.
"""

from datetime import datetime
from uuid import UUID

from allauth.account.adapter import get_adapter
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, Router, Schema
from ninja.errors import HttpError
from ninja.pagination import paginate

from apps.approvals import links, services, settling, webhooks
from apps.approvals.models import PeopleRequest, Person
from apps.approvals.services import AlreadyDecided, TooLate
from apps.approvals.shared import APPROVED, REJECTED
from apps.executions.models import Actor
from apps.users.auth import account
from config.pagination import Pages
from config.throttling import PublicThrottle

approvals = Router(tags=["approvals"])
signatures = Router(tags=["approvals"])

# A token cannot be guessed. These keep a program that has gone wild, or one that tries, from costing much.
DECISIONS, DELIVERIES = PublicThrottle("decisions", "120/m"), PublicThrottle("signatures", "1200/m")


class AskedOut(Schema):
    """What an account was asked, and answers by `id`. `status` is its own answer, `request_status` what became of the request."""

    id: UUID
    kind: PeopleRequest.Kind = Field(alias="request.kind")
    title: str = Field(alias="request.title")
    message: str = Field(alias="request.message")
    status: Person.Status
    request_status: PeopleRequest.Status = Field(alias="request.status")
    execution: UUID = Field(alias="request.execution_id")
    expires_at: datetime = Field(alias="request.expires_at")
    decided_at: datetime | None
    comment: str


class DecisionIn(Schema):
    """The answer: approved or rejected."""

    decision: str = Field("", description="approved or rejected")
    comment: str = Field("", max_length=services.MAX_COMMENT)


class DecisionOut(Schema):
    """`execution_status` is what the decision makes of the execution: running, failed, or paused while others must decide."""

    success: bool = True
    execution_status: str


class ReceivedOut(Schema):
    """It was taken, now or earlier."""

    success: bool = True


@approvals.get("", response=list[AskedOut], summary="What the account was asked")
@paginate(Pages)
def asked(request: HttpRequest, waiting: bool = True) -> QuerySet[Person]:
    """What waits for its answer, the most urgent first; or with waiting=false what was answered or is over, the newest first."""
    of_account = Person.objects.of(account(request)).select_related("request")
    if waiting:
        return of_account.waiting().order_by("request__expires_at", "pk")
    return of_account.exclude(pk__in=of_account.waiting().values("pk")).order_by("-request__created_at", "pk")


@approvals.post(
    "/asked/{uuid:person_id}/decision",
    response={200: DecisionOut, 404: None, 409: None, 410: None},
    summary="Decide, as the account that was asked",
)
def decide_as_account(request: HttpRequest, person_id: UUID, wanted: DecisionIn) -> DecisionOut:
    """What the list gives as `id`. 409 when it was decided before, 410 when the time is over or the workflow has ended."""
    user = account(request)
    person = get_object_or_404(Person.objects.of(user).select_related("request"), pk=person_id)
    return _decided(request, person, wanted, user=user)


@approvals.post(
    "/{token}/decision",
    response={200: DecisionOut, 404: None, 409: None, 410: None, 429: None},
    auth=None,
    throttle=DECISIONS,
    summary="Decide, with the token of a link",
)
def decide(request: HttpRequest, token: str, wanted: DecisionIn) -> DecisionOut:
    """409 when it was decided before, 410 when the time is over or the workflow has ended."""
    person = links.find(token)
    if person is None:
        raise Http404
    return _decided(request, person, wanted)


@signatures.post(
    "/{provider}",
    response={200: ReceivedOut, 401: None, 404: None, 413: None, 429: None},
    auth=None,
    throttle=DELIVERIES,
    summary="Take what a signature provider says",
)
def receive(request: HttpRequest, provider: str) -> ReceivedOut:
    """The body is signed by the provider: 401 otherwise. A repeated delivery is answered as the first one was."""
    try:
        update = webhooks.read(provider, request.headers, request.body)
    except webhooks.UnknownProvider as error:
        raise Http404 from error
    except webhooks.TooLarge as error:
        raise HttpError(413, str(error)) from error
    except webhooks.NotFromProvider as error:
        raise HttpError(401, str(error)) from error
    except ValidationError as error:
        raise HttpError(400, " ".join(error.messages)) from error
    services.record_update(provider, update)
    return ReceivedOut()


def _decided(request: HttpRequest, person: Person, wanted: DecisionIn, *, user: Actor = None) -> DecisionOut:
    if person.request.kind != PeopleRequest.Kind.APPROVAL:
        raise HttpError(400, "This asks for a signature: sign on its page.")
    if wanted.decision not in {APPROVED, REJECTED}:
        raise HttpError(400, f"There is no decision {wanted.decision!r}: choose {APPROVED} or {REJECTED}.")
    address = get_adapter(request).get_client_ip(request)
    try:
        decided = services.decide(person, wanted.decision, comment=wanted.comment, user=user, address=address)
    except AlreadyDecided as error:
        raise HttpError(409, str(error)) from error
    except TooLate as error:
        raise HttpError(410, str(error)) from error
    return DecisionOut(execution_status=settling.execution_status(decided))
