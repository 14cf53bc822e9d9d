"""The pages of executions. Each shows what its reader may see; what may be done is said by live.py and done by services.py."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.executions import live
from apps.executions.models import Execution


@require_safe
@login_required
@never_cache
def listed(request: HttpRequest) -> HttpResponse:
    """The executions that the account may see, newest first."""
    return render(request, "executions/list.html", {"executions": Execution.objects.visible_to(request.user)[:50]})


@require_safe
@login_required
@never_cache
def detail(request: HttpRequest, execution_id: UUID) -> HttpResponse:
    """One execution."""
    execution = _visible(request, execution_id)
    return render(request, "executions/detail.html", {"execution": execution, "fragment": _fragment(request, execution)})


@require_safe
@login_required
@never_cache
def live_detail(request: HttpRequest, execution_id: UUID) -> HttpResponse:
    """The part of the page that changes, for pages that poll."""
    return HttpResponse(_fragment(request, _visible(request, execution_id)))


def _visible(request: HttpRequest, execution_id: UUID) -> Execution:
    return get_object_or_404(Execution.objects.visible_to(request.user).select_related("user"), pk=execution_id)


def _fragment(request: HttpRequest, execution: Execution) -> str:
    page: Any = request.GET.get("page", "1")
    return live.render_detail(execution, live.allowed_actions(request.user, execution), int(page) if page.isdecimal() else 1)
