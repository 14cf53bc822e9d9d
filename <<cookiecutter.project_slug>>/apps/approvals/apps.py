"""App configuration."""

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    """Waiting for people: approvals and signatures."""

    name = "apps.approvals"

    def ready(self) -> None:
        """Listen to executions, and say on their pages who was asked."""
        # The models are not loaded before.
        from apps.approvals import people_shown, receivers  # noqa: PLC0415
        from apps.executions import live  # noqa: PLC0415
        from apps.executions.events import status_changed  # noqa: PLC0415

        status_changed.connect(receivers.cancel_requests, dispatch_uid="approvals")
        live.SECTIONS.append(live.Section(people_shown.section, "css/executions.css"))
