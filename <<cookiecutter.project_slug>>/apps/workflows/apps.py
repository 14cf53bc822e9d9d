"""App configuration."""

from django.apps import AppConfig


class WorkflowsConfig(AppConfig):
    """Workflows that people define, and the interpreter that runs them."""

    name = "apps.workflows"

    def ready(self) -> None:
        """Make definitions startable, and listen to what becomes of their executions."""
        # The models are not loaded before.
        from apps.executions import catalog, live, models  # noqa: PLC0415
        from apps.executions.events import attempt_begun, effects_wanted_again, status_changed  # noqa: PLC0415
        from apps.workflows import receivers, starting, steps_shown  # noqa: PLC0415

        catalog.SOURCES.append(starting.SOURCE)
        models.ALSO_VISIBLE.append(starting.project_executions)
        live.SECTIONS.append(live.Section(steps_shown.section, "workflows/workflows.css"))
        status_changed.connect(receivers.close_steps, dispatch_uid="workflows")
        attempt_begun.connect(receivers.steps_again, dispatch_uid="workflows")
        effects_wanted_again.connect(receivers.effects_again, dispatch_uid="workflows")
