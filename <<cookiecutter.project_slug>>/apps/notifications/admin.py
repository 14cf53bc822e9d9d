"""The ledger of mails, to look at."""

from django.contrib import admin
from django.http import HttpRequest

from apps.notifications.models import Mail


@admin.register(Mail)
class MailAdmin(admin.ModelAdmin):
    """Shows what was sent to whom. Rows are written by the activity alone."""

    list_display = ("recipient", "subject", "created_at", "sent_at")
    list_filter = ("sent_at",)
    search_fields = ("recipient", "key")
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds to the ledger by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Mail | None = None) -> bool:
        """As adding."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Mail | None = None) -> bool:
        """A deleted row would let a retry send the mail again."""
        return False
