"""Batches and their failures, to look at: they start through the API, the command line or Temporal."""

from django.contrib import admin

from apps.batch.models import Batch, BatchFailure
from apps.temporal.admin import ReadOnlyAdmin


@admin.register(Batch)
class BatchAdmin(ReadOnlyAdmin):
    """Batches."""

    list_display = ("batch_id", "action", "status", "total", "created_at", "finished_at")
    list_filter = ("status", "action")
    search_fields = ("batch_id",)


@admin.register(BatchFailure)
class BatchFailureAdmin(ReadOnlyAdmin):
    """Rows that failed."""

    list_display = ("batch", "row", "reason", "created_at")
    list_select_related = ("batch",)
    search_fields = ("batch__batch_id", "row")
