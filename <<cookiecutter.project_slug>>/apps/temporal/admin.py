"""The outbox, to look at."""

from django.contrib import admin
from django.http import HttpRequest

from apps.temporal.models import OutboxMessage


@admin.register(OutboxMessage)
class OutboxMessageAdmin(admin.ModelAdmin):
    """Shows what waits for Temporal. Rows are written by the outbox alone."""

    list_display = ("aggregate_id", "kind", "status", "attempts", "created_at", "sent_at", "last_error")
    list_filter = ("status", "kind")
    search_fields = ("aggregate_id",)
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody writes messages by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: OutboxMessage | None = None) -> bool:
        """As adding."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: OutboxMessage | None = None) -> bool:
        """A deleted message would be a start that never happens."""
        return False
