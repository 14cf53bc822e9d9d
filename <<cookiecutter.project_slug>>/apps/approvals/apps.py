"""App configuration."""

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    """Waiting for people: approvals and signatures."""

    name = "apps.approvals"
