"""App configuration."""

from django.apps import AppConfig


class DevelopmentConfig(AppConfig):
    """What developers and tests need and production does without: the embedded server, `manage.py dev`, the fixtures."""

    name = "apps.development"
