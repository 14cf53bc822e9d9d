"""App configuration."""

from django.apps import AppConfig


class BatchConfig(AppConfig):
    """Work over many rows."""

    name = "apps.batch"
