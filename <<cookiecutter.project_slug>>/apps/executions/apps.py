"""App configuration."""

from django.apps import AppConfig
from django.db.models.signals import post_save


class ExecutionsConfig(AppConfig):
    """What runs, what ran, and what people do about it."""

    name = "apps.executions"

    def ready(self) -> None:
        """Give every start a row."""
        from apps.executions.receivers import row_for_start  # noqa: PLC0415  needs the models, which are not loaded before

        post_save.connect(row_for_start, sender="temporal.OutboxMessage", dispatch_uid="executions")
