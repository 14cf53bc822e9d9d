"""App configuration."""

from django.apps import AppConfig


class TemporalConfig(AppConfig):
    """The integration layer with Temporal."""

    name = "apps.temporal"
