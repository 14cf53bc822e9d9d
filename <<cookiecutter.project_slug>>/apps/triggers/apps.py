"""App configuration."""

from django.apps import AppConfig


class TriggersConfig(AppConfig):
    """What starts workflows that people have defined."""

    name = "apps.triggers"

    def ready(self) -> None:
        """Listen to mails that arrive, and to triggers that go."""
        from anymail.signals import inbound  # noqa: PLC0415  here alone
        from django.db.models.signals import post_delete  # noqa: PLC0415  the models are not loaded before

        from apps.triggers import mail, receivers  # noqa: PLC0415  as above
        from apps.triggers.models import Trigger  # noqa: PLC0415  as above

        post_delete.connect(receivers.remove_schedule, sender=Trigger, dispatch_uid="triggers")
        inbound.connect(mail.receive, dispatch_uid="triggers")
