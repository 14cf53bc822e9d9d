"""What was started, for the tests of what starts it."""

from django.db.models import QuerySet

from apps.executions.models import Execution


def started() -> QuerySet[Execution]:
    """The executions of definitions: accounts have executions of their own."""
    return Execution.objects.filter(run__isnull=False).order_by("created_at")
