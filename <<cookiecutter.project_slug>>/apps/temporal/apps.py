"""App configuration."""

from django.apps import AppConfig


class TemporalConfig(AppConfig):
    """The integration layer with Temporal."""

    name = "apps.temporal"

    def ready(self) -> None:
        """Register the system checks."""
        from apps.temporal import checks  # noqa: F401, PLC0415  importing registers; apps are not loaded before
