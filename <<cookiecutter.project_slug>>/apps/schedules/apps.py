"""App configuration."""

from django.apps import AppConfig


class SchedulesConfig(AppConfig):
    """Workflows that start at set times."""

    name = "apps.schedules"

    def ready(self) -> None:
        """Say how the outbox sends a change, and register the system check."""
        from apps.schedules import checks  # noqa: F401, PLC0415  importing registers; apps are not loaded before
        from apps.schedules.services import send_change  # noqa: PLC0415  needs the models
        from apps.temporal.senders import SENDERS  # noqa: PLC0415  as above

        SENDERS["schedule"] = send_change
