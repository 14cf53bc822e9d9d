"""The onboarding's own effects. The mails are apps/notifications."""

from django.conf import settings
from temporalio import activity
from temporalio.exceptions import ApplicationError

from apps.onboarding.shared import UserProcessingPayload, UserProcessingResult
from apps.users.actions import ACTIONS
from apps.users.models import User


@activity.defn
def process_user_activity(payload: UserProcessingPayload) -> UserProcessingResult:
    """Do one action to one account. No retry can cure an unknown action, an unknown account or a refused one."""
    if payload.action not in ACTIONS:
        known = ", ".join(sorted(ACTIONS))
        raise ApplicationError(f"no action {payload.action!r}, only {known}", type="UnknownAction", non_retryable=True)
    users = list(User.objects.filter(pk=payload.user_id))
    if not users:
        raise ApplicationError(f"no account {payload.user_id}", type="UnknownUser", non_retryable=True)
    if refused := ACTIONS[payload.action](users):
        raise ApplicationError(f"account {payload.user_id}: {refused[payload.user_id]}", type="UserRefused", non_retryable=True)
    return UserProcessingResult(user_id=payload.user_id, action=payload.action)


@activity.defn
def follow_up_delay() -> float:
    """The project's wait between the two mails, in seconds, for executions whose starter did not say."""
    return float(settings.ONBOARDING_FOLLOW_UP_DELAY)
