"""The pages of projects: whose they are, who works in them."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.users.auth import account
from apps.workflows import access, services
from apps.workflows.forms import MemberForm, ProjectForm, told
from apps.workflows.models import Project

ROWS_A_PAGE = 50


@require_safe
@login_required
@never_cache
def listed(request: HttpRequest) -> HttpResponse:
    """The projects that the account sees."""
    projects = Project.objects.visible_to(request.user).select_related("owner")
    page = Paginator(projects, ROWS_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "workflows/projects.html", {"page": page})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def new(request: HttpRequest) -> HttpResponse:
    """Make a project of the account's own."""
    access.require_may_make_projects(request.user)
    form = ProjectForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        made = services.create_project(name=form.cleaned_data["name"], owner=account(request))
        return redirect("workflows:project", made.pk)
    return render(request, "workflows/project_new.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def project(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """A project with its workflows and members; its owner calls it otherwise here."""
    posted = request.method == "POST"
    found = (access.owned_project if posted else access.seen_project)(request.user, project_id)
    form = ProjectForm(request.POST if posted else None, initial={"name": found.name})
    if form.is_valid():
        services.rename_project(found, name=form.cleaned_data["name"])
        return redirect("workflows:project", found.pk)
    return _project_page(request, found, form=form, member=MemberForm())


@require_POST
@login_required
def set_member(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Add somebody, or give somebody another role."""
    found = access.owned_project(request.user, project_id)
    form = MemberForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        services.set_member(found, user=given["email"], role=given["role"])
        messages.success(request, f"{given['email']} is {given['role']} now.")
        return redirect("workflows:project", found.pk)
    rename = ProjectForm(initial={"name": found.name})
    return _project_page(request, found, form=rename, member=form)


@require_POST
@login_required
def remove_member(request: HttpRequest, project_id: UUID, user_id: int) -> HttpResponse:
    """Take somebody out."""
    found = access.owned_project(request.user, project_id)
    membership = get_object_or_404(found.memberships.select_related("user"), user=user_id)
    services.remove_member(found, user=membership.user)
    messages.success(request, f"{membership.user} is no member any more.")
    return redirect("workflows:project", found.pk)


@require_POST
@login_required
def delete(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Delete one without workflows."""
    found = access.owned_project(request.user, project_id)
    try:
        services.delete_project(found)
    except ValidationError as error:
        messages.error(request, told(error))
        return redirect("workflows:project", found.pk)
    messages.success(request, f"{found.name} is deleted.")
    return redirect("workflows:projects")


def _project_page(request: HttpRequest, found: Project, *, form: ProjectForm, member: MemberForm) -> HttpResponse:
    context = {
        "project": found,
        "form": form,
        "member": member,
        "memberships": found.memberships.select_related("user").order_by("user__email"),
        "workflows": Paginator(found.workflows.select_related("current"), ROWS_A_PAGE).get_page(request.GET.get("page")),
        "may_own": access.owns(request.user, found),
        "may_change": access.may_change(request.user, found.pk),
    }
    return render(request, "workflows/project.html", context)
