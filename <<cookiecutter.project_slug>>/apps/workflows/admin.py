"""Projects, workflows and what their runs did, in the admin: to look at. Pages and the API are where definitions are changed."""

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from apps.temporal.admin import ReadOnlyAdmin
from apps.workflows import services
from apps.workflows.models import ItemFailure, Membership, Project, StepRun, Workflow, WorkflowVersion


class KeptAdmin(ReadOnlyAdmin):
    """Rows that a service alone deletes, if anything does."""

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Not by hand."""
        return False


@admin.register(Project)
class ProjectAdmin(KeptAdmin):
    """Projects."""

    list_display = ("name", "slug", "owner", "created_at")
    list_select_related = ("owner",)
    search_fields = ("name", "slug", "owner__email")


@admin.register(Membership)
class MembershipAdmin(KeptAdmin):
    """Who works in which project."""

    list_display = ("project", "user", "role")
    list_filter = ("role",)
    list_select_related = ("project", "user")
    search_fields = ("project__slug", "user__email")


@admin.register(Workflow)
class WorkflowAdmin(KeptAdmin):
    """Workflows. Those of one's choice can be archived, or made active again."""

    list_display = ("name", "project", "slug", "status", "current", "updated_at")
    list_filter = ("status",)
    list_select_related = ("project", "current")
    search_fields = ("name", "slug", "project__slug")
    actions = ("archive", "activate")

    @admin.action(description="Archive", permissions=["change_status"])
    def archive(self, request: HttpRequest, queryset: QuerySet[Workflow]) -> None:
        """They start no more; what runs goes on."""
        self._each(request, queryset, Workflow.Status.ARCHIVED)

    @admin.action(description="Make active again", permissions=["change_status"])
    def activate(self, request: HttpRequest, queryset: QuerySet[Workflow]) -> None:
        """Those that were published."""
        self._each(request, queryset, Workflow.Status.ACTIVE)

    def has_change_status_permission(self, request: HttpRequest) -> bool:
        """Those who may change every project."""
        return request.user.has_perm("workflows.change_project")

    def _each(self, request: HttpRequest, queryset: QuerySet[Workflow], status: str) -> None:
        changed = 0
        for workflow in queryset:
            try:
                services.set_status(workflow, status)
                changed += 1
            except ValidationError as error:
                self.message_user(request, " ".join(error.messages), "WARNING")
        if changed:
            self.message_user(request, f"{changed} workflows are {status} now.")


@admin.register(WorkflowVersion)
class WorkflowVersionAdmin(KeptAdmin):
    """Versions, and drafts."""

    list_display = ("workflow", "number", "published_at", "published_by", "note")
    list_select_related = ("workflow", "published_by")
    search_fields = ("workflow__name", "workflow__slug")


@admin.register(StepRun)
class StepRunAdmin(KeptAdmin):
    """What each step of an execution did."""

    list_display = ("execution", "key", "kind", "attempt", "status", "started_at", "completed_at", "error")
    list_filter = ("status", "kind")
    list_select_related = ("execution",)
    ordering = ("-pk",)
    search_fields = ("execution__temporal_workflow_id", "key")


@admin.register(ItemFailure)
class ItemFailureAdmin(KeptAdmin):
    """Items of lists that could not be done."""

    list_display = ("part", "index", "error")
    list_select_related = ("part",)
    ordering = ("-pk",)
    search_fields = ("part__execution__temporal_workflow_id", "error")
