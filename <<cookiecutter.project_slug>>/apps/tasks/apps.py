"""App configuration."""

from django.apps import AppConfig


class TasksConfig(AppConfig):
    """Tasks of django.tasks, run by Temporal."""

    name = "apps.tasks"

    def ready(self) -> None:
        """Say how the outbox sends a task."""
        from apps.tasks.runs import send_activity  # noqa: PLC0415  needs the models, which are not loaded before
        from apps.temporal.senders import SENDERS  # noqa: PLC0415  as above

        SENDERS["activity"] = send_activity
