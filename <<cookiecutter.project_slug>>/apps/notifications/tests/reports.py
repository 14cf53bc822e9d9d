"""What workers say of executions, for tests."""

from django.db import transaction

from apps.executions import projection
from apps.executions.models import Execution


def become(execution: Execution, status: str, *, action: str = "", reason: str = "") -> None:
    """As a worker reports it."""
    with transaction.atomic():
        projection.change(projection.locked(execution), status, action or status, by="workflow", reason=reason)
