"""Batches and their failures, to look at."""

from django.contrib import admin
from django.http import HttpRequest

from apps.batch.models import Batch, BatchFailure


class ReadOnly(admin.ModelAdmin):
    """Batches start through the API, the command line or Temporal; their rows are written by activities alone."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Not here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Batch | BatchFailure | None = None) -> bool:
        """Not by hand."""
        return False


@admin.register(Batch)
class BatchAdmin(ReadOnly):
    """Batches."""

    list_display = ("batch_id", "action", "status", "total", "created_at", "finished_at")
    list_filter = ("status", "action")
    search_fields = ("batch_id",)


@admin.register(BatchFailure)
class BatchFailureAdmin(ReadOnly):
    """Rows that failed."""

    list_display = ("batch", "row", "reason", "created_at")
    list_select_related = ("batch",)
    search_fields = ("batch__batch_id", "row")
