"""App configuration."""

from django.apps import AppConfig


class TriggersConfig(AppConfig):
    """What starts workflows that people have defined."""

    name = "apps.triggers"
