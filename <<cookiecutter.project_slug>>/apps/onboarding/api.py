"""`/api/v1/onboarding`: an account's owner may start, watch and cancel its onboarding, staff that of every account."""

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Schema, Status

from apps.onboarding import services
from apps.onboarding.shared import onboarding_id
from apps.temporal.exceptions import TemporalUnavailable
from apps.users.auth import account
from apps.users.models import User

router = Router(tags=["onboarding"])

SHORTLY = 0.5


class OnboardingIn(Schema):
    """Whom to onboard."""

    user_id: int


class OnboardingOut(Schema):
    """`status` is pending until the server has it, then running, completed, failed, canceled, terminated or timed_out.

    It is unknown where a request was accepted and the server cannot say more at the moment.
    """

    workflow_id: str
    user_id: int
    status: str


@router.post("", response={202: OnboardingOut, 404: None}, summary="Start the onboarding of an account")
def start(request: HttpRequest, wanted: OnboardingIn) -> Status[OnboardingOut]:
    """Accepted at once; an account is onboarded once, so a repeated start gives the first one."""
    user = _visible_user(request, wanted.user_id)
    services.start_onboarding(user=user, by=account(request))
    return Status(202, _accepted(user))


@router.get("/{int:user_id}", response={200: OnboardingOut, 503: None}, summary="Where an onboarding stands")
def status(request: HttpRequest, user_id: int) -> OnboardingOut:
    """Asks the Temporal server: 404 when this account was never onboarded, 503 when the server does not answer."""
    return _shown(_visible_user(request, user_id))


@router.post("/{int:user_id}/cancel", response={202: OnboardingOut}, summary="Cancel an onboarding")
def cancel(request: HttpRequest, user_id: int) -> Status[OnboardingOut]:
    """Accepted at once. Mails that were not yet sent are not sent."""
    user = _visible_user(request, user_id)
    services.cancel_onboarding(user_id=user.pk, by=account(request))
    return Status(202, _accepted(user))


def _accepted(user: User) -> OnboardingOut:
    # It is stored: that the server cannot tell where it stands is no failure of the request.
    try:
        return _shown(user, timeout=SHORTLY)
    except TemporalUnavailable:
        return OnboardingOut(workflow_id=onboarding_id(user.pk), user_id=user.pk, status="unknown")


def _shown(user: User, *, timeout: float = 5.0) -> OnboardingOut:
    status = services.onboarding_status(user_id=user.pk, timeout=timeout)
    return OnboardingOut(workflow_id=onboarding_id(user.pk), user_id=user.pk, status=status)


def _visible_user(request: HttpRequest, user_id: int) -> User:
    # 404, not 403, for other people's accounts: which ids exist is nobody's business.
    if user_id != request.user.pk and not request.user.has_perm("users.change_user"):
        raise Http404
    return get_object_or_404(User, pk=user_id)
