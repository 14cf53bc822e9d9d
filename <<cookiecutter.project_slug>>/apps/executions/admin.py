"""Executions in the admin: to look at, and to act on through the services, many at once."""

from collections.abc import Callable

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from apps.executions import services
from apps.executions.models import CHANGE, TERMINATE, Execution, ExecutionEvent, TaskExecution
from apps.executions.states import IllegalTransition
from apps.temporal.admin import ReadOnlyAdmin
from apps.users.auth import account

REASON = "in the admin"


class RecordAdmin(ReadOnlyAdmin):
    """Rows that are kept."""

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """They are the record of what was done."""
        return False


@admin.register(Execution)
class ExecutionAdmin(RecordAdmin):
    """Executions. Those of one's choice can be canceled, terminated or tried again."""

    list_display = ("temporal_workflow_id", "workflow", "status", "user", "attempt", "created_at", "completed_at")
    list_filter = ("status", "workflow", "trigger")
    list_select_related = ("user",)
    search_fields = ("temporal_workflow_id", "user__email")
    actions = ("cancel", "terminate", "reset")

    @admin.action(description="Cancel", permissions=["change_state"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Execution]) -> None:
        """Let them stop cleanly."""
        self._each(request, queryset, "canceled", services.cancel_execution)

    @admin.action(description="Terminate, without clean-up", permissions=["terminate"])
    def terminate(self, request: HttpRequest, queryset: QuerySet[Execution]) -> None:
        """End them at once."""
        self._each(request, queryset, "terminated", services.terminate_execution)

    @admin.action(description="Try again from the failed step", permissions=["change_state"])
    def reset(self, request: HttpRequest, queryset: QuerySet[Execution]) -> None:
        """As new attempts on the same rows."""
        self._each(request, queryset, "tried again", services.reset_execution)

    def has_change_state_permission(self, request: HttpRequest) -> bool:
        """Those who may change executions; nobody edits one."""
        return request.user.has_perm(f"executions.{CHANGE}")

    def has_terminate_permission(self, request: HttpRequest) -> bool:
        """A permission of its own."""
        return request.user.has_perm(f"executions.{TERMINATE}")

    def _each(self, request: HttpRequest, queryset: QuerySet[Execution], done: str, act: Callable[..., Execution]) -> None:
        accepted = 0
        for execution in queryset:
            try:
                act(execution, user=account(request), reason=REASON)
                accepted += 1
            except (IllegalTransition, ValidationError) as error:
                reason = str(error) if isinstance(error, IllegalTransition) else " ".join(error.messages)
                self.message_user(request, f"{execution}: {reason}", messages.WARNING)
        if accepted:
            self.message_user(request, f"Accepted: {accepted} executions will be {done}.")


@admin.register(TaskExecution)
class TaskExecutionAdmin(RecordAdmin):
    """Tasks."""

    list_display = ("name", "execution", "attempt", "status", "started_at", "completed_at")
    list_filter = ("status",)
    list_select_related = ("execution",)
    ordering = ("-pk",)
    search_fields = ("execution__temporal_workflow_id", "name")


@admin.register(ExecutionEvent)
class ExecutionEventAdmin(RecordAdmin):
    """The audit trail."""

    list_display = ("at", "action", "execution", "before", "after", "by", "user", "reason")
    list_filter = ("action", "by")
    list_select_related = ("execution", "user")
    ordering = ("-pk",)
    search_fields = ("execution__temporal_workflow_id",)
