"""Which projects and workflows an account sees, changes and owns: asked by the pages and by the API.

What one may not see looks as if it were not there.
"""

from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404

from apps.executions.models import Execution
from apps.workflows.models import Project, Workflow


def require_may_make_projects(user: Any) -> None:
    """Raises PermissionDenied. Who has a project has mails sent and other systems asked: no account has that by itself."""
    if not user.has_perm("workflows.add_project"):
        raise PermissionDenied(
            "Making projects needs the permission workflows.add_project: ask those who run this site, "
            "or the owner of a project to make you an editor of it."
        )


def seen_project(user: Any, project_id: UUID) -> Project:
    """Raises Http404."""
    return get_object_or_404(Project.objects.visible_to(user), pk=project_id)


def changeable_project(user: Any, project_id: UUID) -> Project:
    """One in which the account may make workflows. Raises Http404, or PermissionDenied for a viewer."""
    project = seen_project(user, project_id)
    if not may_change(user, project.pk):
        raise PermissionDenied("Only the owner and the editors of a project change and start its workflows.")
    return project


def may_change(user: Any, project_id: UUID) -> bool:
    """Whether the account makes, changes and starts the workflows of a project."""
    return Project.objects.changeable_by(user).filter(pk=project_id).exists()


def may_start(user: Any, execution: Execution) -> bool:
    """Whether the account may start an execution of a definition, or have it done again: one of a project that it may change.

    Which those are is asked once for each user object, as Django asks for permissions: a page shows many executions.
    """
    if user.has_perm("workflows.change_project"):
        return True
    if (known := getattr(user, "changeable_tenants", None)) is None:
        known = frozenset(map(str, Project.objects.changeable_by(user).values_list("pk", flat=True)))
        user.changeable_tenants = known
    return execution.tenant in known


def owned_project(user: Any, project_id: UUID) -> Project:
    """One whose name and members the account may change. Raises Http404, or PermissionDenied for a member."""
    project = seen_project(user, project_id)
    if not owns(user, project):
        raise PermissionDenied("Only the owner of a project changes its name and its members, and deletes it.")
    return project


def owns(user: Any, project: Project) -> bool:
    """Whether it is the account's, or the account may change every project."""
    return bool(project.owner_id == user.pk or user.has_perm("workflows.change_project"))


def seen_workflow(user: Any, workflow_id: UUID) -> Workflow:
    """Raises Http404."""
    return get_object_or_404(Workflow.objects.visible_to(user).select_related("project", "current__workflow"), pk=workflow_id)


def changeable_workflow(user: Any, workflow_id: UUID) -> Workflow:
    """One that the account may change, publish and start. Raises Http404, or PermissionDenied for a viewer."""
    workflow = seen_workflow(user, workflow_id)
    changeable_project(user, workflow.project_id)
    return workflow
