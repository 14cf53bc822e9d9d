"""What people were asked and what they answered, to look at: answers are given on the pages and by the API alone."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from apps.approvals.models import Approval, PeopleRequest, Person, ProviderEvent, SignatureRequest
from apps.temporal.admin import ReadOnlyAdmin


class _KeptAdmin(ReadOnlyAdmin):
    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Who decided what stays known."""
        return False


class RequestAdmin(_KeptAdmin):
    """Shows requests of either kind."""

    list_display = (
        "title",
        "status",
        "execution",
        "step",
        "attempt",
        "quorum",
        "provider",
        "created_at",
        "expires_at",
        "decided_at",
    )
    list_filter = ("status", "provider")
    list_select_related = ("execution",)
    search_fields = ("title", "people__email", "execution__temporal_workflow_id")


admin.site.register((PeopleRequest, Approval, SignatureRequest), RequestAdmin)


@admin.register(Person)
class PersonAdmin(_KeptAdmin):
    """Shows who was asked. The link is nowhere stored, so it cannot be shown."""

    list_display = ("email", "status", "request", "user", "signed_name", "decided_at")
    list_filter = ("status",)
    list_select_related = ("request", "user")
    search_fields = ("email", "request__title")
    exclude = ("token_digest",)


@admin.register(ProviderEvent)
class ProviderEventAdmin(_KeptAdmin):
    """Shows which messages of signature providers had their effect."""

    list_display = ("provider", "event_id", "request", "received_at")
    list_filter = ("provider",)
    list_select_related = ("request",)
    search_fields = ("event_id",)
