"""Code steps that come with the project: those of the definitions in ready/, and examples of how one is written."""

from datetime import timedelta
from typing import Annotated, Any

from django.db.models import Count, Q
from django.utils import timezone
from pydantic import Field

from apps.executions import states
from apps.executions.models import Execution
from apps.users.models import User
from apps.users.services import NewUser, import_users
from apps.workflows.kinds.base import StepContext, StepError
from apps.workflows.kinds.code import code_step

# Failures that a report names.
NAMED = 20


@code_step
def import_user(email: str, name: str = "", *, step: StepContext) -> dict[str, str]:
    """Create the account of an address, unless there is one. Nobody is onboarded by it.

    Who started the workflow and who published it must both be allowed to add accounts.
    """
    _require_permission(step, "users.add_user")
    result = import_users([NewUser(line=1, email=email, name=name)])
    if result.invalid:
        raise StepError(f"{email!r} is no address, or the name is too long")
    return {"email": email.strip().lower(), "status": "created" if result.created else "known"}


@code_step
def count_executions(hours: Annotated[int, Field(ge=1, le=24 * 31)] = 24, *, step: StepContext) -> dict[str, Any]:
    """How the executions ended that the project has started in the last hours, without the one that asks."""
    asking = Execution.objects.select_related("run__version__workflow").get(pk=step.execution_id)
    since = timezone.now() - timedelta(hours=hours)
    started = Execution.objects.filter(
        run__version__workflow__project=asking.run.version.workflow.project_id, created_at__gte=since
    ).exclude(pk=asking.pk)
    failed = Q(status__in=states.CLOSED - {Execution.Status.COMPLETED})
    counts = started.aggregate(
        total=Count("pk"),
        completed=Count("pk", filter=Q(status=Execution.Status.COMPLETED)),
        failed=Count("pk", filter=failed),
        open=Count("pk", filter=Q(status__in=states.OPEN)),
    )
    lines = [f"{each.workflow}: {each.error_message or states.shown(each.status)}" for each in started.filter(failed)[:NAMED]]
    return {**counts, "failures": "\n".join(lines)}


def _require_permission(step: StepContext, permission: str) -> None:
    """Raises StepError. An author must not do by somebody else's start what the author may not do."""
    execution = Execution.objects.select_related("user", "run__version__published_by").get(pk=step.execution_id)
    # What a test runs is a draft: whoever published it afterwards may have published other steps.
    publisher = None if execution.run.is_test else execution.run.version.published_by
    accounts: list[User | None] = [execution.user, publisher]
    if not all(account and account.is_active and account.has_perm(permission) for account in accounts):
        raise StepError(f"who starts and who publishes this workflow need the permission {permission}")
