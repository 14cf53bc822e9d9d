"""What every process of the project starts with, web, worker and commands alike."""

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    """The project itself."""

    name = "config"

    def ready(self) -> None:
        """Turn on what the settings ask for."""
        from config import errors, tracing  # noqa: PLC0415  apps are not loaded before

        errors.set_up()
        tracing.set_up()
