"""Triggers in the admin, to look at: they are changed on their own pages."""

from django.contrib import admin

from apps.temporal.admin import ReadOnlyAdmin
from apps.triggers.models import Trigger, TriggerEvent


@admin.register(Trigger)
class TriggerAdmin(ReadOnlyAdmin):
    """Of whatever kind."""

    list_display = ("name", "workflow", "kind", "enabled", "last_fired_at", "fired_count", "last_error")
    list_filter = ("kind", "enabled")
    list_select_related = ("workflow",)
    search_fields = ("name", "workflow__name")
    exclude = ("token_digest", "previous_digest")


@admin.register(TriggerEvent)
class TriggerEventAdmin(ReadOnlyAdmin):
    """Each time that one was to start its workflow."""

    list_display = ("received_at", "trigger", "status", "execution", "error")
    list_filter = ("status",)
    list_select_related = ("trigger", "execution")
    search_fields = ("event_id", "trigger__name")
