"""Pages of triggers, for those who work on a workflow. What everybody can reach: public_views.py."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.triggers import addresses, firing, kinds, schedules, services
from apps.triggers.forms import FireForm, TriggerForm
from apps.triggers.kinds import Delivery
from apps.triggers.models import Trigger
from apps.users.auth import account
from apps.users.models import User
from apps.workflows import access

EVENTS_A_PAGE = 25
NEXT_SHOWN = 5
TONES: Mapping[str, str] = {"started": "good", "skipped": "quiet", "refused": "bad"}
ACTIONS: Mapping[str, tuple[str, Callable[[Trigger, User], Trigger]]] = {
    "pause": ("It is paused.", lambda trigger, user: services.set_enabled(trigger, False, user=user)),
    "resume": ("It goes on.", lambda trigger, user: services.set_enabled(trigger, True, user=user)),
    "renew": (
        "It has another key. The one before counts until you drop it.",
        lambda trigger, user: services.renew_key(trigger, user=user),
    ),
    "drop": ("The newest key alone counts.", lambda trigger, _: services.drop_previous_key(trigger)),
}


@require_safe
@login_required
@never_cache
def listed(request: HttpRequest, workflow_id: UUID) -> HttpResponse:
    """What starts a workflow, and when next."""
    workflow = access.seen_workflow(request.user, workflow_id)
    triggers = list(workflow.triggers.all())
    times = schedules.next_times(triggers)
    context = {
        "workflow": workflow,
        "rows": [(trigger, kinds.find(trigger.kind), _next(trigger, times)) for trigger in triggers],
        "is_away": times is None,
        "kinds": kinds.KINDS.values(),
        "in_any_case": kinds.IN_ANY_CASE.values(),
        "may_change": access.may_change(request.user, workflow.project_id),
    }
    return render(request, "triggers/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def new(request: HttpRequest, workflow_id: UUID, kind: str) -> HttpResponse:
    """Have something start a workflow."""
    workflow = access.changeable_workflow(request.user, workflow_id)
    wanted = kinds.KINDS.get(kind)
    if wanted is None:
        raise Http404
    form = TriggerForm(wanted, workflow, request.POST if request.method == "POST" else None)
    if form.is_valid():
        trigger = services.create_trigger(workflow, user=account(request), kind=kind, **_told(form))
        return redirect("triggers:detail", trigger.pk)
    return render(request, "triggers/edit.html", {"workflow": workflow, "kind": wanted, "form": form})


@require_safe
@login_required
@never_cache
def detail(request: HttpRequest, trigger_id: UUID) -> HttpResponse:
    """When it fires next, when it did, what became of it; its address and its key for those who may change it."""
    trigger = _seen(request, trigger_id)
    kind, times = kinds.find(trigger.kind), schedules.next_times([trigger])
    may_change = access.may_change(request.user, trigger.workflow.project_id)
    events = trigger.events.select_related("execution")
    page = Paginator(events, EVENTS_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "trigger": trigger,
        "workflow": trigger.workflow,
        "kind": kind,
        "next_times": _next(trigger, times),
        "is_away": times is None,
        "page": page,
        "events": [(event, TONES[event.status]) for event in page],
        "may_change": may_change,
        "address": addresses.of(trigger) if may_change else "",
        "key": addresses.key_of(trigger) if may_change else "",
    }
    return render(request, "triggers/detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def edit(request: HttpRequest, trigger_id: UUID) -> HttpResponse:
    """Change what it is told."""
    trigger = _changeable(request, trigger_id)
    kind = kinds.find(trigger.kind)
    form = TriggerForm(kind, trigger.workflow, request.POST if request.method == "POST" else None, trigger=trigger)
    if form.is_valid():
        services.change_trigger(trigger, user=account(request), **_told(form))
        messages.success(request, "It is changed.")
        return redirect("triggers:detail", trigger.pk)
    context = {"workflow": trigger.workflow, "trigger": trigger, "kind": kind, "form": form}
    return render(request, "triggers/edit.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def fire(request: HttpRequest, trigger_id: UUID) -> HttpResponse:
    """Fire it by hand. The key makes a second click do nothing."""
    trigger = _changeable(request, trigger_id)
    form = FireForm(request.POST if request.method == "POST" else None)
    key = request.POST.get("key", "")[:100] or str(uuid4())
    if form.is_valid():
        delivery = Delivery(event_id=f"by hand: {key}", data=form.cleaned_data["brought"])
        event = firing.fire(trigger, delivery, user=account(request))
        if event.execution:
            return redirect("executions:detail", event.execution.pk)
        form.add_error(None, event.error)
    return render(request, "triggers/fire.html", {"workflow": trigger.workflow, "trigger": trigger, "form": form, "key": key})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def delete(request: HttpRequest, trigger_id: UUID) -> HttpResponse:
    """Delete it once that was confirmed."""
    trigger = _changeable(request, trigger_id)
    if request.method == "POST":
        trigger.delete()
        messages.success(request, f"{trigger.name} is deleted.")
        return redirect("triggers:workflow", trigger.workflow_id)
    return render(request, "triggers/delete.html", {"workflow": trigger.workflow, "trigger": trigger})


@require_POST
@login_required
def act(request: HttpRequest, trigger_id: UUID, action: str) -> HttpResponse:
    """Pause it, resume it, give it another key, or drop the one before."""
    trigger = _changeable(request, trigger_id)
    if action not in ACTIONS:
        raise Http404
    said, do = ACTIONS[action]
    try:
        do(trigger, account(request))
        messages.success(request, said)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("triggers:detail", trigger.pk)


def _told(form: TriggerForm) -> dict[str, Any]:
    return {name: form.cleaned_data[name] for name in ("name", "config", "overlap")}


def _next(trigger: Trigger, times: Mapping[UUID, Any] | None) -> list[Any]:
    return list((times or {}).get(trigger.pk, []))[:NEXT_SHOWN]


def _seen(request: HttpRequest, trigger_id: UUID) -> Trigger:
    found = Trigger.objects.visible_to(request.user).select_related("workflow__project", "workflow__current")
    return get_object_or_404(found, pk=trigger_id)


def _changeable(request: HttpRequest, trigger_id: UUID) -> Trigger:
    trigger = _seen(request, trigger_id)
    access.changeable_workflow(request.user, trigger.workflow_id)
    return trigger
