"""Every new account is onboarded, whoever creates it: sign-up, admin, shell. Bulk creation is left to `startonboarding`."""

from typing import Any

from apps.onboarding.services import start_onboarding
from apps.users.models import User


def onboard_new_user(*, instance: User, created: bool, raw: bool = False, **_: Any) -> None:
    """Receiver of post_save. Rows from a fixture (`raw`) were onboarded where they came from."""
    if created and not raw:
        start_onboarding(user=instance)
