"""Rows for the tests of what shows them: people who have no onboarding, and executions that stand where a test wants them."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import Permission
from django.utils import timezone

from apps.executions import projection
from apps.executions.models import Execution
from apps.executions.shared import TaskRecord
from apps.users.models import User


def person(name: str = "ada", *permissions: str, **fields: Any) -> User:
    """Somebody with permissions of the executions, such as view_execution."""
    (user,) = User.objects.bulk_create([User(email=f"{name}@example.com", name=name.title(), **fields)])
    chosen = Permission.objects.filter(codename__in=permissions, content_type__app_label="executions")
    user.user_permissions.set(chosen)
    return user


def execution(status: str = "running", user: User | None = None, **fields: Any) -> Execution:
    """One that stands there, as if it had run."""
    facts: dict[str, Any] = {
        "workflow": "user_onboarding",
        "temporal_workflow_id": f"onboarding-{uuid4()}",
        "temporal_run_id": "" if status == "pending" else str(uuid4()),
    }
    return Execution.objects.create(status=status, user=user, **(facts | fields))


def tell(row: Execution, activity: str, status: str = "running", **fields: Any) -> None:
    """What a worker would say of an activity of the execution."""
    now = timezone.now()
    record = TaskRecord(
        workflow_id=row.temporal_workflow_id,
        workflow=row.workflow,
        run_id=row.temporal_run_id,
        activity_id=activity,
        name=f"step_{activity}",
        number=1,
        status=status,
        scheduled_at=now - timedelta(seconds=2),
        started_at=now - timedelta(seconds=1),
        completed_at=now if status != "running" else None,
        **fields,
    )
    projection.record([record])


def end(row: Execution, status: str = "completed") -> None:
    """Have it end so."""
    row.refresh_from_db()
    projection.change(row, status, status, by="workflow", at=timezone.now() - timedelta(minutes=1))
