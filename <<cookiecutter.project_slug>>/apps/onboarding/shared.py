"""What crosses the wire to Temporal, and the id of an onboarding. Standard library only: workflow code imports it."""

from dataclasses import dataclass

from apps.notifications.shared import EmailPayload

WORKFLOW = "user_onboarding"
# What follows the workflow id in the key of the welcome mail.
WELCOME = ":welcome"


@dataclass(frozen=True, kw_only=True)
class OnboardingWorkflowInput:
    """Whom to onboard. `follow_up_delay` is in seconds; without it the project's ONBOARDING_FOLLOW_UP_DELAY holds."""

    user_id: int
    email: str
    name: str
    follow_up_delay: float | None = None


@dataclass(frozen=True, kw_only=True)
class OnboardingResult:
    """The end of an onboarding."""

    user_id: int
    status: str = "completed"


@dataclass(frozen=True, kw_only=True)
class UserProcessingPayload:
    """What to do to an account: an action of apps/users/actions.py."""

    user_id: int
    action: str


@dataclass(frozen=True, kw_only=True)
class UserProcessingResult:
    """What was done."""

    user_id: int
    action: str
    status: str = "processed"


def onboarding_id(user_id: int) -> str:
    """The workflow id: one onboarding for each account, for ever."""
    return f"onboarding-{user_id}"


def welcome_mail(wanted: OnboardingWorkflowInput, workflow_id: str) -> EmailPayload:
    """The first mail."""
    return EmailPayload(
        to=wanted.email,
        subject="Welcome",
        body=f"Hello {wanted.name or wanted.email},\n\nyour account is ready. Good to have you here.\n",
        key=f"{workflow_id}{WELCOME}",
    )


def follow_up_mail(wanted: OnboardingWorkflowInput, workflow_id: str) -> EmailPayload:
    """The mail after the wait."""
    return EmailPayload(
        to=wanted.email,
        subject="How is it going?",
        body=f"Hello {wanted.name or wanted.email},\n\nhave you found your way around? Answer this mail if not.\n",
        key=f"{workflow_id}:follow-up",
    )
