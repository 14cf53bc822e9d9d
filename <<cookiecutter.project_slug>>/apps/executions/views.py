"""The pages of executions. Each shows what its reader may see; what may be done is said by live.py and done by services.py."""

from urllib.parse import quote
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from apps.executions import catalog, live, services, timeline
from apps.executions.actions import ACTIONS
from apps.executions.forms import Filters, InputForm, messages_of, sent_key
from apps.executions.models import START, Execution
from apps.executions.shared import short
from apps.executions.states import IllegalTransition
from apps.users.auth import account
from config.parsing import whole

ROWS_A_PAGE = 50


@require_safe
@login_required
@never_cache
def listed(request: HttpRequest) -> HttpResponse:
    """The executions that the account may see, newest first."""
    user = account(request)
    filters = Filters(request.GET, user=user)
    # Keys first: an index has them in their order, so that a page far behind reads no more rows than the first.
    keys = filters.chosen(Execution.objects.visible_to(user)).values_list("pk", flat=True)
    page = Paginator(keys, ROWS_A_PAGE).get_page(request.GET.get("page"))
    shown = Execution.objects.filter(pk__in=list(page.object_list)).listed()
    rows = list(shown.select_related("user").defer("error_message"))
    context = {
        "filters": filters,
        "page": page,
        "rows": [mark_safe(live.render_row(row)) for row in rows],  # noqa: S308  a template has escaped it
        "watched": ",".join(f"{row.pk}:{row.revision}" for row in rows if row.is_open),
        "pace": min((live.pace(row) for row in rows if row.is_open), default=0),
        "is_filtered": any(filters.cleaned_data.values()),
        "may_start": user.has_perm(f"executions.{START}"),
    }
    return render(request, "executions/list.html", context)


@require_safe
@login_required
@never_cache
def detail(request: HttpRequest, execution_id: UUID) -> HttpResponse:
    """One execution: what changes is rendered by live.py, here stands what does not."""
    execution = _visible(request, execution_id)
    context = {
        "execution": execution,
        "title": catalog.title(execution.workflow),
        "fragment": _fragment(request, execution),
        "page": whole(request.GET.get("page"), 1),
        "styles": [section.style for section in live.SECTIONS],
        "input": live.pretty(short(execution.input)),
        "temporal_url": _temporal_url(execution) if settings.DEBUG or account(request).is_staff else "",
    }
    return render(request, "executions/detail.html", context)


@require_safe
@login_required
@never_cache
def live_detail(request: HttpRequest, execution_id: UUID) -> HttpResponse:
    """The part of the page that changes, for pages that ask again and again."""
    return HttpResponse(_fragment(request, _visible(request, execution_id)))


@require_safe
@login_required
@never_cache
def task(request: HttpRequest, execution_id: UUID, task_id: int) -> HttpResponse:
    """A task with its tries, its log and what it gave."""
    execution = _visible(request, execution_id)
    found = get_object_or_404(execution.tasks, pk=task_id)
    context = {
        "execution": execution,
        "title": catalog.title(execution.workflow),
        "task": found,
        "tone": timeline.tone(found),
        "tries": list(timeline.tries(found, timezone.now())),
        "output": live.pretty(found.output),
        "pace": live.pace(execution),
    }
    return render(request, "executions/task.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def new(request: HttpRequest) -> HttpResponse:
    """Choose a workflow, say what it asks for, then plan it or start it at once. The key makes a second click do nothing."""
    user = account(request)
    if not user.has_perm(f"executions.{START}"):
        raise PermissionDenied(f"Starting executions by hand needs the permission executions.{START}.")
    name = request.GET.get("workflow", "")
    offered = catalog.offered(user)
    if name not in offered:
        return render(request, "executions/choose.html", {"startables": offered.values()})
    startable = catalog.find(name, user=user)
    form = InputForm(startable, request.POST if request.method == "POST" else None)
    key = sent_key(request.POST)
    if form.is_valid():
        try:
            execution = services.plan_execution(workflow=name, values=form.values, user=user, key=key)
            if "start" in request.POST and execution.is_planned:
                services.start_execution(execution, user=user)
            return redirect("executions:detail", execution.pk)
        except ValidationError as error:
            form.refuse(error)
    return render(request, "executions/new.html", {"startable": startable, "form": form, "key": key})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def act(request: HttpRequest, execution_id: UUID, action: str) -> HttpResponse:
    """Ask why and how, then do it. What cannot be done where the execution stands is said on its page."""
    execution = _visible(request, execution_id)
    live.require(request.user, execution, action)
    wanted = ACTIONS[action]
    form = wanted.form(request.POST if request.method == "POST" else None, label_suffix="")
    if form.is_valid():
        try:
            wanted.run(execution, user=account(request), **form.cleaned_data)
            messages.success(request, wanted.done)
            return redirect("executions:detail", execution.pk)
        except IllegalTransition as error:
            messages.error(request, str(error))
            return redirect("executions:detail", execution.pk)
        except ValidationError as error:
            form.add_error(None, messages_of(error))
    context = {"execution": execution, "title": catalog.title(execution.workflow), "wanted": wanted, "form": form}
    return render(request, "executions/act.html", context)


def _visible(request: HttpRequest, execution_id: UUID) -> Execution:
    visible = Execution.objects.visible_to(request.user).select_related("user")
    return get_object_or_404(visible.defer("context", "trigger_data"), pk=execution_id)


def _fragment(request: HttpRequest, execution: Execution) -> str:
    rendered = live.render_detail(execution, live.allowed_actions(request.user, execution), whole(request.GET.get("page"), 1))
    return mark_safe(rendered)  # noqa: S308  a template has escaped it


def _temporal_url(execution: Execution) -> str:
    parts = ("namespaces", settings.TEMPORAL_NAMESPACE, "workflows", execution.temporal_workflow_id, execution.temporal_run_id)
    return "/".join([settings.TEMPORAL_UI_URL.rstrip("/"), *(quote(part, safe="") for part in parts if part)])
