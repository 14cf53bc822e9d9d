"""What everybody can reach: the form that starts a workflow, and where mail services deliver. The other pages: views.py."""

from typing import Any

from anymail import urls as services_of_anymail
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from apps.executions.forms import sent_key
from apps.triggers import firing
from apps.triggers.forms import PublicForm
from apps.triggers.kinds import Delivery
from apps.triggers.models import Trigger, TriggerEvent
from apps.users.services import digest
from apps.workflows import starting
from apps.workflows.models import Workflow
from config.throttling import PublicThrottle

# What one address may send by public forms.
SUBMISSIONS = PublicThrottle("forms", "20/m")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def form(request: HttpRequest, token: str) -> HttpResponse:
    """A public page that asks for the input of a workflow and starts it. The key makes a second click do nothing."""
    trigger = _of_token(token)
    workflow = trigger.workflow
    if not trigger.enabled or workflow.current is None or workflow.status != Workflow.Status.ACTIVE:
        return render(request, "triggers/closed.html", {"trigger": trigger}, status=410)
    given = request.POST if request.method == "POST" else None
    if given is not None and not SUBMISSIONS.allow_request(request):
        return render(request, "429.html", status=429)
    asked = PublicForm(starting.startable(workflow.current), given)
    key = sent_key(request.POST)
    if asked.is_valid():
        event = firing.fire(trigger, Delivery(event_id=key, data=asked.values or {}))
        if event.status != TriggerEvent.Status.REFUSED:
            return redirect("triggers:thanks", token)
        asked.refuse(ValidationError({"input": event.error}))
    context = {"trigger": trigger, "form": asked, "key": key}
    return render(request, "triggers/form.html", context, status=400 if given is not None else 200)


@require_http_methods(["GET", "HEAD"])
@never_cache
def thanks(request: HttpRequest, token: str) -> HttpResponse:
    """What somebody sees who has sent the form."""
    return render(request, "triggers/thanks.html", {"trigger": _of_token(token)})


@csrf_exempt
def inbound(request: HttpRequest, service: str) -> HttpResponse:
    """Take mails from the service that INBOUND_MAIL_SERVICE names: anymail asks for its credentials and reads them."""
    names: dict[str | None, Any] = {pattern.name: pattern.callback for pattern in services_of_anymail.urlpatterns}
    view = names.get(f"{service}_inbound_webhook")
    if view is None or service != settings.INBOUND_MAIL_SERVICE or not settings.ANYMAIL["WEBHOOK_SECRET"]:
        raise Http404
    answer: HttpResponse = view(request)
    return answer


def _of_token(token: str) -> Trigger:
    found = Trigger.objects.filter(Q(token_digest=digest(token)) | Q(previous_digest=digest(token)), kind="form")
    return get_object_or_404(found.select_related("workflow__current__workflow__project"))
