"""App configuration."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """Messages that reach people once."""

    name = "apps.notifications"
