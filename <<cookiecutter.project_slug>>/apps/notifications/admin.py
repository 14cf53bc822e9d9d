"""The ledger of mails, to look at."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from apps.notifications.models import Mail
from apps.temporal.admin import ReadOnlyAdmin


@admin.register(Mail)
class MailAdmin(ReadOnlyAdmin):
    """Shows what was sent to whom. Rows are written by the activity alone."""

    list_display = ("recipient", "subject", "created_at", "sent_at")
    list_filter = ("sent_at",)
    search_fields = ("recipient", "key")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """A deleted row would let a retry send the mail again."""
        return False
