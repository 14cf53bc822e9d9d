"""App configuration."""

from django.apps import AppConfig


class UsersConfig(AppConfig):
    """Accounts."""

    name = "apps.users"
