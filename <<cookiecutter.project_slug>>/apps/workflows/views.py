"""The pages of workflows: which there are, one of them with its versions and what it ran. Its editor: editor_views.py."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.executions import live
from apps.executions.models import Execution
from apps.users.auth import account
from apps.workflows import access, exchange, graph, services
from apps.workflows.compare import changes
from apps.workflows.definitions import document_of
from apps.workflows.forms import NewWorkflowForm, WorkflowForm, told
from apps.workflows.importing import make_workflow
from apps.workflows.models import Project, Workflow, WorkflowVersion
from config.files import file_answer
from config.parsing import whole

ROWS_A_PAGE = 50
RECENT = 5
TONES = {"active": "good", "draft": "busy", "archived": "quiet"}
TYPES = {"yaml": "application/yaml", "json": "application/json"}


@require_safe
@login_required
@never_cache
def listed(request: HttpRequest) -> HttpResponse:
    """The workflows that the account sees: archived ones only when asked for."""
    found = Workflow.objects.visible_to(request.user).select_related("project", "current")
    # PostgreSQL looks for no NUL.
    text, status = request.GET.get("q", "").replace("\0", "").strip(), request.GET.get("status", "")
    if text:
        found = found.filter(name__icontains=text)
    found = found.filter(status=status) if status in Workflow.Status.values else found.exclude(status=Workflow.Status.ARCHIVED)
    page = Paginator(found, ROWS_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [(each, TONES[each.status]) for each in page],
        "q": text,
        "status": status,
        "statuses": Workflow.Status.choices,
        "is_filtered": bool(text or status),
        "may_make": request.user.has_perm("workflows.add_project") or Project.objects.changeable_by(request.user).exists(),
    }
    return render(request, "workflows/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def new(request: HttpRequest) -> HttpResponse:
    """Make a workflow: without steps, one that comes with the site, or one from a file. It begins with a project."""
    projects = Project.objects.changeable_by(request.user)
    if not projects.exists():
        return redirect("workflows:new-project")
    initial = {"project": request.GET.get("project")}
    posted = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    form = NewWorkflowForm(*posted, projects=projects, initial=initial)
    if form.is_valid():
        given = form.cleaned_data
        ready = "" if given["file"] else given["ready"]
        try:
            made = make_workflow(
                given["project"], user=account(request), name=given["name"], document=given["document"], ready=ready
            )
            return redirect("workflows:edit", made.pk)
        except ValidationError as error:
            form.add_error(None, [f"{place}: {text}" for place, texts in error.message_dict.items() for text in texts])
    return render(request, "workflows/new.html", {"form": form})


@require_safe
@login_required
@never_cache
def workflow(request: HttpRequest, workflow_id: UUID) -> HttpResponse:
    """What it does, its versions, and what it ran last."""
    found = access.seen_workflow(request.user, workflow_id)
    document = document_of(found.current) if found.current else exchange.edited_document(found)
    ran = Execution.objects.visible_to(request.user).filter(run__version__workflow=found).listed().select_related("user")
    context = _facts(request, found) | {
        "document": document,
        "graph": graph.drawn(document),
        "draft": found.versions.filter(number=None).exists(),
        "versions": found.versions.filter(number__isnull=False).select_related("published_by"),
        "executions": [(row, live.TONES.get(row.status, "quiet")) for row in ran[:RECENT]],
    }
    return render(request, "workflows/workflow.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def rename(request: HttpRequest, workflow_id: UUID) -> HttpResponse:
    """Call it otherwise."""
    found = access.changeable_workflow(request.user, workflow_id)
    initial = {"name": found.name, "description": found.description}
    form = WorkflowForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        services.rename_workflow(found, **form.cleaned_data)
        return redirect("workflows:workflow", found.pk)
    return render(request, "workflows/rename.html", _facts(request, found) | {"form": form})


@require_POST
@login_required
def set_status(request: HttpRequest, workflow_id: UUID) -> HttpResponse:
    """Archive it, or make it active again."""
    found = access.changeable_workflow(request.user, workflow_id)
    archived, active = Workflow.Status.ARCHIVED, Workflow.Status.ACTIVE
    again = active if found.current else Workflow.Status.DRAFT
    changed = services.set_status(found, again if found.status == archived else archived)
    messages.success(request, f"{changed.name} is {changed.status} now.")
    return redirect("workflows:workflow", found.pk)


@require_POST
@login_required
def duplicate(request: HttpRequest, workflow_id: UUID) -> HttpResponse:
    """Make another one with the same steps."""
    found = access.changeable_workflow(request.user, workflow_id)
    made = services.duplicate(found, user=account(request))
    messages.success(request, f"This is {made.name}, with the steps of {found.name}.")
    return redirect("workflows:edit", made.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def delete(request: HttpRequest, workflow_id: UUID) -> HttpResponse:
    """Ask, then delete one that never ran."""
    found = access.changeable_workflow(request.user, workflow_id)
    if request.method == "POST":
        try:
            services.delete_workflow(found)
        except ValidationError as error:
            messages.error(request, told(error))
            return redirect("workflows:workflow", found.pk)
        messages.success(request, f"{found.name} is deleted.")
        return redirect("workflows:list")
    return render(request, "workflows/delete.html", _facts(request, found))


@require_safe
@login_required
def export(request: HttpRequest, workflow_id: UUID, form: str) -> HttpResponse:
    """As a file: the version of that number, else what would be edited."""
    found = access.seen_workflow(request.user, workflow_id)
    if form not in TYPES:
        raise Http404
    number = request.GET.get("version", "")
    document = document_of(_version(found, number)) if number else exchange.edited_document(found)
    text = exchange.write(document, "json" if form == "json" else "yaml")
    return file_answer(text, f"{found.slug}.{form}", f"{TYPES[form]}; charset=utf-8")


@require_safe
@login_required
@never_cache
def version(request: HttpRequest, workflow_id: UUID, number: int) -> HttpResponse:
    """One version as it was published."""
    found = access.seen_workflow(request.user, workflow_id)
    shown = _version(found, str(number))
    document = document_of(shown)
    context = {"version": shown, "document": document, "graph": graph.drawn(document)}
    return render(request, "workflows/version.html", _facts(request, found) | context)


@require_safe
@login_required
@never_cache
def compare(request: HttpRequest, workflow_id: UUID) -> HttpResponse:
    """What is different between two versions. `new` is the draft where it is left out, `old` the version before."""
    found = access.seen_workflow(request.user, workflow_id)
    numbers = [each for each in found.versions.values_list("number", flat=True) if each]
    wanted_new = request.GET.get("new", "")
    new = _version(found, wanted_new) if wanted_new else exchange.edited_version(found)
    before = [each for each in numbers if new is None or new.number is None or each < new.number]
    wanted_old = request.GET.get("old", "") or (str(before[0]) if before else "")
    context: dict[str, Any] = {"numbers": numbers, "new": new, "old": None}
    if wanted_old and new is not None:
        context["old"] = _version(found, wanted_old)
        context["changes"] = changes(document_of(context["old"]), document_of(new))
    return render(request, "workflows/compare.html", _facts(request, found) | context)


def _facts(request: HttpRequest, found: Workflow) -> dict[str, Any]:
    may_change = access.may_change(request.user, found.project_id)
    return {"workflow": found, "tone": TONES[found.status], "may_change": may_change}


def _version(found: Workflow, number: str) -> WorkflowVersion:
    return get_object_or_404(found.versions.select_related("published_by"), number=whole(number))
