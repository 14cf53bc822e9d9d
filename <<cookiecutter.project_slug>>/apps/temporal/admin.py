"""The outbox, to look at, and what every list of rows that code alone writes has in common."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from apps.temporal.models import OutboxMessage, OutboxQuerySet


class ReadOnlyAdmin(admin.ModelAdmin):
    """Shows rows that services and activities write, and nobody by hand."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Not by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Not by hand."""
        return False


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ReadOnlyAdmin):
    """Shows what waits for Temporal. Rows are written by the outbox alone."""

    list_display = ("aggregate_id", "kind", "status", "attempts", "created_at", "sent_at", "last_error")
    list_filter = ("status", "kind")
    search_fields = ("aggregate_id",)
    actions = ("send_again",)

    @admin.action(description="Send dead messages again", permissions=["send_again"])
    def send_again(self, request: HttpRequest, queryset: OutboxQuerySet) -> None:
        """Make dead messages due. Others stay as they are."""
        self.message_user(request, f"{queryset.retry()} of {queryset.count()} messages were dead and will be sent again.")

    def has_send_again_permission(self, request: HttpRequest) -> bool:
        """Those who may change messages; nobody edits one."""
        return request.user.has_perm("temporal.change_outboxmessage")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """A deleted message would be a start that never happens."""
        return False
