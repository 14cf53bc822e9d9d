"""`/api/v1/triggers`: what starts workflows. `/api/v1/webhooks/triggers/ID`: where signed messages arrive.

Members of a project see the triggers of its workflows; its owner and its editors change and fire them.
"""

from typing import Annotated, Any
from uuid import UUID, uuid4

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Header, Query, Router, Status
from ninja.errors import HttpError
from ninja.pagination import paginate

from apps.triggers import addresses, firing, kinds, schedules, services, webhooks
from apps.triggers.kinds import Delivery
from apps.triggers.models import Trigger, TriggerEvent
from apps.triggers.schemas import (
    FiredOut,
    FireIn,
    TriggerChange,
    TriggerDetail,
    TriggerEventOut,
    TriggerFilters,
    TriggerIn,
    TriggerKindOut,
    TriggerOut,
)
from apps.users.auth import account
from apps.workflows import access
from config.throttling import PublicThrottle

router = Router(tags=["triggers"])
deliveries = Router(tags=["triggers"])
KEY = "The same request with the same key, however often it is sent, starts one execution."
SHOWN = (
    "id", "workflow_id", "kind", "name", "config", "overlap", "enabled", "last_fired_at", "fired_count", "last_error",
    "created_at", "keeps_previous",
)  # fmt: skip
# A signature cannot be guessed. This keeps a program that has gone wild from costing much.
DELIVERIES = PublicThrottle("deliveries", "1200/m")


@router.get("/kinds", response=list[TriggerKindOut], summary="The kinds of triggers that there are")
def kinds_listed(request: HttpRequest) -> list[dict[str, Any]]:
    """With the schema of what each must be told."""
    in_any_case = [
        {"kind": name, "title": name, "description": text, "config_schema": {}, "is_there_in_any_case": True}
        for name, text in kinds.IN_ANY_CASE.items()
    ]
    return in_any_case + [
        {"kind": name, "title": kind.title, "description": kind.description, "config_schema": kind.Config.model_json_schema()}
        for name, kind in kinds.KINDS.items()
    ]


@router.get("", response=list[TriggerOut], summary="Triggers, by name")
@paginate
def listed(request: HttpRequest, filters: Query[TriggerFilters]) -> QuerySet[Trigger]:
    """Those of every workflow that the account sees, or of one."""
    return filters.filter(Trigger.objects.visible_to(request.user))


@router.post("", response={201: TriggerDetail, 404: None}, summary="Have something start a workflow")
def create(request: HttpRequest, wanted: TriggerIn) -> Status[dict[str, Any]]:
    """From now on, and once Temporal is back if it is away. 422 names the fields of `config` that are wrong."""
    workflow = access.changeable_workflow(request.user, wanted.workflow)
    facts = wanted.dict(exclude={"workflow"})
    return Status(201, _detail(request, services.create_trigger(workflow, user=account(request), **facts)))


@router.get("/{uuid:trigger_id}", response=TriggerDetail, summary="A trigger")
def detail(request: HttpRequest, trigger_id: UUID) -> dict[str, Any]:
    """With its next times, and for those who may change it with its address and its key."""
    return _detail(request, _seen(request, trigger_id))


@router.patch("/{uuid:trigger_id}", response=TriggerDetail, summary="Change, pause or resume a trigger")
def change(request: HttpRequest, trigger_id: UUID, wanted: TriggerChange) -> dict[str, Any]:
    """Its kind and its keys stay. Who changes `config` or resumes it is responsible for what it starts from then on."""
    trigger, user = _changeable(request, trigger_id), account(request)
    trigger = services.change_trigger(trigger, user=user, name=wanted.name, config=wanted.config, overlap=wanted.overlap)
    if wanted.enabled is not None:
        trigger = services.set_enabled(trigger, wanted.enabled, user=user)
    return _detail(request, trigger)


@router.delete("/{uuid:trigger_id}", response={204: None}, summary="Delete a trigger")
def delete(request: HttpRequest, trigger_id: UUID) -> Status[None]:
    """What it has started goes on."""
    _changeable(request, trigger_id).delete()
    return Status(204, None)


@router.post("/{uuid:trigger_id}/fire", response={200: FiredOut}, summary="Fire a trigger now")
def fire(
    request: HttpRequest,
    trigger_id: UUID,
    wanted: FireIn | None = None,
    key: Annotated[str, Header(alias="Idempotency-Key", max_length=200, description=KEY)] = "",
) -> TriggerEvent:
    """As if its time had come, or as if it had brought `data`. It works while it is paused, too."""
    trigger = _changeable(request, trigger_id)
    delivery = Delivery(event_id=f"by hand: {key or uuid4()}", data=wanted.data if wanted else None)
    return firing.fire(trigger, delivery, user=account(request))


@router.post("/{uuid:trigger_id}/keys", response=TriggerDetail, summary="Give a trigger another key")
def renew(request: HttpRequest, trigger_id: UUID) -> dict[str, Any]:
    """The one before counts, too, until it is dropped: senders can be changed one after the other.

    Who does this is responsible for what the trigger starts from then on.
    """
    return _detail(request, services.renew_key(_changeable(request, trigger_id), user=account(request)))


@router.delete("/{uuid:trigger_id}/keys/previous", response=TriggerDetail, summary="Drop the key before")
def drop(request: HttpRequest, trigger_id: UUID) -> dict[str, Any]:
    """From now on the newest alone counts."""
    return _detail(request, services.drop_previous_key(_changeable(request, trigger_id)))


@router.get("/{uuid:trigger_id}/events", response=list[TriggerEventOut], summary="The times that it was to start its workflow")
@paginate
def events(request: HttpRequest, trigger_id: UUID) -> QuerySet[TriggerEvent]:
    """The newest first."""
    return _seen(request, trigger_id).events.all()


@deliveries.post(
    "/{uuid:trigger_id}",
    response={202: list[FiredOut], 401: None, 413: None, 429: None},
    auth=None,
    throttle=DELIVERIES,
    summary="Deliver a signed message to a trigger",
)
def deliver(request: HttpRequest, trigger_id: UUID) -> Status[list[TriggerEvent]]:
    """In the form of https://www.standardwebhooks.com, or HubSpot's. A repeated delivery is answered as the first one was."""
    trigger = get_object_or_404(Trigger, pk=trigger_id)
    form = kinds.find(trigger.kind).signs
    if not form:
        raise Http404
    try:
        url = request.build_absolute_uri()
        brought = webhooks.read(trigger, form, request.headers, request.body, url=url)
    except webhooks.NotSigned as error:
        raise HttpError(401, str(error)) from error
    except webhooks.TooLarge as error:
        raise HttpError(413, f"The body is longer than {webhooks.MAX_BODY:,} bytes: send a key of it.") from error
    outcomes = [firing.fire(trigger, delivery) for delivery in brought]
    if outcomes and all(outcome.status == TriggerEvent.Status.REFUSED for outcome in outcomes):
        raise ValidationError({"input": [outcome.error for outcome in outcomes]})
    return Status(202, outcomes)


def _detail(request: HttpRequest, trigger: Trigger) -> dict[str, Any]:
    times = schedules.next_times([trigger]) if kinds.find(trigger.kind).has_times else {}
    shown = {name: getattr(trigger, name) for name in SHOWN} | {
        "next_times": None if times is None else times.get(trigger.pk, []),
    }
    if access.may_change(request.user, trigger.workflow.project_id):
        shown |= {"address": addresses.of(trigger), "key": addresses.key_of(trigger)}
    return shown


def _seen(request: HttpRequest, trigger_id: UUID) -> Trigger:
    return get_object_or_404(Trigger.objects.visible_to(request.user).select_related("workflow"), pk=trigger_id)


def _changeable(request: HttpRequest, trigger_id: UUID) -> Trigger:
    trigger = _seen(request, trigger_id)
    access.changeable_workflow(request.user, trigger.workflow_id)
    return trigger
