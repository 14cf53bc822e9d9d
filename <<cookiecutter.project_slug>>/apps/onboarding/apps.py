"""App configuration."""

from django.apps import AppConfig
from django.db.models.signals import post_save


class OnboardingConfig(AppConfig):
    """Onboards new accounts."""

    name = "apps.onboarding"

    def ready(self) -> None:
        """Listen for new accounts."""
        from apps.onboarding.signals import onboard_new_user  # noqa: PLC0415  models are not loaded before

        post_save.connect(onboard_new_user, sender="users.User", dispatch_uid="onboarding")
