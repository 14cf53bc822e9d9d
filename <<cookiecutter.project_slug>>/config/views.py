"""The front page and the pages that say what went wrong."""

import inspect
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.batch.models import Batch
from apps.temporal import registry
from apps.temporal.database import database_problem
from apps.temporal.models import OutboxMessage
from apps.users.models import User
from config import health
from config.problems import is_api, problem

SITE_NAME: Final[str] = settings.SITE_NAME
NOTHING_HERE: Final = "There is nothing at this address."
RECENT = 5


def site(request: HttpRequest) -> dict[str, Any]:
    """Context processor: what every page needs."""
    return {"site_name": SITE_NAME, "navigation": settings.NAVIGATION}


@require_safe
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    """Say what runs. Figures about accounts are for staff, addresses of servers for staff and developers."""
    context: dict[str, Any] = {
        "database_problem": database_problem(),
        "temporal_problem": health.temporal_problem(),
        "workflows": {name: _first_line(workflow) for name, workflow in sorted(registry.workflows().items())},
        "task_queue": settings.TEMPORAL_TASK_QUEUE,
        "temporal_ui_url": settings.TEMPORAL_UI_URL,
        "shows_servers": settings.DEBUG or request.user.is_staff,
    }
    if request.user.is_staff and not context["database_problem"]:
        context |= {
            "accounts": User.objects.count(),
            "waiting": OutboxMessage.objects.filter(status=OutboxMessage.Status.PENDING).count(),
            "batches": Batch.objects.all()[:RECENT],
        }
    return render(request, "home.html", context)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403."""
    return _problem(request, 403, str(exception) or "This account may not do that.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404."""
    return _problem(request, 404, NOTHING_HERE)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form that did not come from this site, or whose cookie is gone."""
    return _problem(
        request, 403, "The form has expired or did not come from this site: go back, reload the page and send it again."
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """500. Its page stands alone: what the others take from the database or the session may be what failed."""
    detail = "Something went wrong on our side. It was logged: please try again later."
    if is_api(request):
        return problem(500, detail)
    return HttpResponse(render_to_string("500.html", {"detail": detail, "site_name": SITE_NAME}), status=500)


def _problem(request: HttpRequest, status: int, detail: str) -> HttpResponse:
    if is_api(request):
        return problem(status, detail)
    return render(request, "problem.html", {"status": status, "detail": detail}, status=status)


def _first_line(workflow: type) -> str:
    return (inspect.getdoc(workflow) or "").partition("\n")[0]
