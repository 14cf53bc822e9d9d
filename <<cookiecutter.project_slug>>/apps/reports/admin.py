"""Reports, to look at."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.reports.models import Report
from apps.temporal.admin import ReadOnlyAdmin


@admin.register(Report)
class ReportAdmin(ReadOnlyAdmin):
    """Shows which reports there are. What they say: the site's own pages. Old ones may be deleted."""

    list_display = ("filename", "status", "size", "created_at", "generated_at")
    list_filter = ("status", "format")
    search_fields = ("execution__temporal_workflow_id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Report]:
        """Without what they say."""
        return Report.objects.listed()
