"""What every process of the project starts with, web, worker and commands alike."""

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    """The project itself."""

    name = "config"

    def ready(self) -> None:
        """Turn on the reports of errors, if the settings ask for them."""
        from config import errors  # noqa: PLC0415  apps are not loaded before

        errors.set_up()
