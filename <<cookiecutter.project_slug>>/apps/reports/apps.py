"""App configuration."""

from django.apps import AppConfig


class ReportsConfig(AppConfig):
    """What is written about executions: at their end, every day, and whenever somebody asks."""

    name = "apps.reports"

    def ready(self) -> None:
        """Listen to executions."""
        from apps.executions.events import status_changed  # noqa: PLC0415  apps are not loaded before
        from apps.reports import checks, receivers  # noqa: F401, PLC0415  as above

        status_changed.connect(receivers.write_at_the_end, dispatch_uid="reports")
