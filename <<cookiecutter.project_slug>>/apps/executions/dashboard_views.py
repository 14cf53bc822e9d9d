"""The dashboard: what became of the executions of the last days, how long they took, what waits. Its figures: dashboard.py."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.executions import dashboard as figures_of
from apps.executions.dashboard import TONES
from apps.executions.models import VIEW, Execution
from apps.users.auth import account


@require_safe
@login_required
@never_cache
def dashboard(request: HttpRequest) -> HttpResponse:
    """Of the executions that the account may see. The outbox is of all, so only those who see all are told of it."""
    executions = Execution.objects.visible_to(request.user)
    figures = figures_of.figures(executions, figures_of.last_days())
    context = {
        "figures": figures,
        "tones": TONES,
        "waiting": figures_of.oldest_waiting(executions),
        "backlog": figures_of.backlog() if account(request).has_perm(f"executions.{VIEW}") else None,
    }
    return render(request, "executions/dashboard.html", context)
