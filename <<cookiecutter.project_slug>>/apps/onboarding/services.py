"""Starting, watching and cancelling onboardings."""

from collections.abc import Iterable

from django.conf import settings
from django.db import transaction

from apps.executions.models import Execution
from apps.executions.services import start_workflow, stop_workflow
from apps.onboarding.shared import WORKFLOW, OnboardingWorkflowInput, onboarding_id
from apps.temporal.outbox import execution_status
from apps.users.models import User


@transaction.atomic
def start_onboarding(*, user: User, follow_up_delay: float | None = None, by: User | None = None) -> str:
    """Onboard an account if, and only if, this transaction commits; at most once ever. Gives the workflow id.

    `follow_up_delay` is in seconds, ONBOARDING_FOLLOW_UP_DELAY when left out; `by` is who asked for it.
    """
    wanted = OnboardingWorkflowInput(
        user_id=user.pk,
        email=user.email,
        name=user.name,
        follow_up_delay=settings.ONBOARDING_FOLLOW_UP_DELAY if follow_up_delay is None else follow_up_delay,
    )
    start_workflow(WORKFLOW, wanted, workflow_id=onboarding_id(user.pk), user=user, by=by)
    return onboarding_id(user.pk)


def start_onboardings(*, users: Iterable[User], follow_up_delay: float | None = None, by: User | None = None) -> int:
    """Onboard several accounts, each in a transaction of its own, and give their number."""
    return sum(1 for user in users if start_onboarding(user=user, follow_up_delay=follow_up_delay, by=by))


def onboarding_status(*, user_id: int, timeout: float = 5.0) -> str:
    """Where the onboarding stands (timeout in seconds). Raises ExecutionNotFound, TemporalUnavailable."""
    # Of one that was planned and never started Temporal knows nothing.
    planned = Execution.objects.filter(temporal_workflow_id=onboarding_id(user_id), start_requested_at=None).first()
    if planned:
        return planned.status
    return execution_status(onboarding_id(user_id), timeout=timeout)


def cancel_onboarding(*, user_id: int, by: User | None = None) -> None:
    """Stop it, as `by` asked: mails that were not sent are not sent. Raises ExecutionNotFound, TemporalUnavailable."""
    stop_workflow(onboarding_id(user_id), user=by)
