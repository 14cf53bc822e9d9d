"""App configuration."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """Messages that reach people once."""

    name = "apps.notifications"

    def ready(self) -> None:
        """Listen to executions."""
        from apps.executions.events import effects_wanted_again, status_changed  # noqa: PLC0415  apps are not loaded before
        from apps.notifications import receivers  # noqa: PLC0415  as above

        status_changed.connect(receivers.tell, dispatch_uid="notifications")
        effects_wanted_again.connect(receivers.send_mails_again, dispatch_uid="notifications")
