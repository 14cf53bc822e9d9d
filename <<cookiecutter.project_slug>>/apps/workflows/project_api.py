"""`/api/v1/projects`: projects, their members, and the workflows in them.

One sees the projects that one owns or is a member of; owners change them, editors make workflows in them.
"""

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Status
from ninja.errors import HttpError
from ninja.pagination import paginate

from apps.users.auth import account
from apps.users.models import User
from apps.workflows import access, exchange, services, signing
from apps.workflows.importing import make_workflow
from apps.workflows.models import Membership, Project, Workflow
from apps.workflows.schemas import (
    DefinitionFilters,
    DefinitionIn,
    DefinitionOut,
    MemberIn,
    MemberOut,
    ProjectChange,
    ProjectIn,
    ProjectOut,
    SigningKeyOut,
)

router = Router(tags=["projects"])
FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {form: {"schema": {"type": "string"}} for form in ("application/yaml", "application/json")},
    }
}


@router.get("", response=list[ProjectOut], summary="Projects, by name")
@paginate
def projects(request: HttpRequest) -> QuerySet[Project]:
    """One's own and those that one is a member of; with the permission workflows.view_project, all."""
    return Project.objects.visible_to(request.user)


@router.post("", response={201: ProjectOut}, summary="Make a project")
def create(request: HttpRequest, wanted: ProjectIn) -> Status[Project]:
    """It belongs to the account that asks. Needs the permission workflows.add_project."""
    access.require_may_make_projects(request.user)
    return Status(201, services.create_project(name=wanted.name, slug=wanted.slug, owner=account(request)))


@router.get("/{uuid:project_id}", response=ProjectOut, summary="A project")
def project(request: HttpRequest, project_id: UUID) -> Project:
    """Whose it is and what it is called."""
    return access.seen_project(request.user, project_id)


@router.patch("/{uuid:project_id}", response=ProjectOut, summary="Call a project otherwise")
def rename(request: HttpRequest, project_id: UUID, wanted: ProjectChange) -> Project:
    """Its slug stays, as others start its workflows by it."""
    return services.rename_project(access.owned_project(request.user, project_id), name=wanted.name)


@router.delete("/{uuid:project_id}", response={204: None, 409: None}, summary="Delete a project")
def delete(request: HttpRequest, project_id: UUID) -> Status[None]:
    """409 for one that has workflows."""
    owned = access.owned_project(request.user, project_id)
    try:
        services.delete_project(owned)
    except ValidationError as error:
        raise HttpError(409, " ".join(error.messages)) from error
    return Status(204, None)


@router.get("/{uuid:project_id}/members", response=list[MemberOut], summary="The members of a project")
@paginate
def members(request: HttpRequest, project_id: UUID) -> QuerySet[Membership]:
    """Beside its owner."""
    return access.seen_project(request.user, project_id).memberships.select_related("user").order_by("user__email")


@router.put("/{uuid:project_id}/members", response=MemberOut, summary="Add a member, or change its role")
def set_member(request: HttpRequest, project_id: UUID, wanted: MemberIn) -> Membership:
    """By the address of an account that there is."""
    owned = access.owned_project(request.user, project_id)
    user = User.objects.filter(email=wanted.email.strip().lower()).first()
    if user is None:
        raise ValidationError({"email": f"There is no account with the address {wanted.email}."})
    return services.set_member(owned, user=user, role=wanted.role)


@router.delete("/{uuid:project_id}/members/{int:member_id}", response={204: None}, summary="Take a member out of a project")
def remove_member(request: HttpRequest, project_id: UUID, member_id: int) -> Status[None]:
    """What the account has done there stays."""
    owned = access.owned_project(request.user, project_id)
    membership = get_object_or_404(owned.memberships.select_related("user"), user=member_id)
    services.remove_member(owned, user=membership.user)
    return Status(204, None)


@router.get("/{uuid:project_id}/signing-key", response=SigningKeyOut, summary="What signs the requests of a project's steps")
def signing_key(request: HttpRequest, project_id: UUID) -> dict[str, str]:
    """For whoever receives them: https://www.standardwebhooks.com. Its owner and its editors may know it."""
    return {"signing_key": signing.signing_key(access.changeable_project(request.user, project_id))}


@router.get("/{uuid:project_id}/workflows", response=list[DefinitionOut], summary="The workflows of a project, by name")
@paginate
def workflows(request: HttpRequest, project_id: UUID, filters: Query[DefinitionFilters]) -> QuerySet[Workflow]:
    """Drafts, active and archived ones."""
    seen = access.seen_project(request.user, project_id)
    return filters.filter(seen.workflows.select_related("project", "current"))


@router.post("/{uuid:project_id}/workflows", response={201: DefinitionOut}, summary="Make a workflow")
def create_workflow(request: HttpRequest, project_id: UUID, wanted: DefinitionIn) -> Status[Workflow]:
    """As a draft, which starts once it is published."""
    made = make_workflow(
        access.changeable_project(request.user, project_id),
        user=account(request),
        document=wanted.definition,
        ready=wanted.ready,
        name=wanted.name,
        slug=wanted.slug,
        description=wanted.description,
    )
    return Status(201, made)


@router.post(
    "/{uuid:project_id}/workflows/import",
    response={201: DefinitionOut, 422: None},
    openapi_extra=FILE,
    summary="Make a workflow of a file",
)
def import_workflow(request: HttpRequest, project_id: UUID) -> Status[Workflow]:
    """The body is the file, YAML or JSON, as the export gives it."""
    changeable = access.changeable_project(request.user, project_id)
    return Status(201, make_workflow(changeable, user=account(request), document=exchange.read_bytes(request.body)))
