"""What workers run. Executions under way know these names: a renamed one would wait for ever."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.exceptions import ImproperlyConfigured
from temporalio import activity

from apps.temporal import registry

WORKFLOWS = {
    "batch_processing",
    "daily_report",
    # % if cookiecutter.workflow_builder
    "defined_workflow",
    # % endif
    "django_task",
    "reconcile_executions",
    "user_onboarding",
}
ACTIVITIES = {
    "close_batch",
    "follow_up_delay",
    "mend_executions",
    "open_batch",
    "plan_ranges",
    "process_range",
    "process_user_activity",
    "report_execution",
    "run_django_task",
    "send_email_activity",
    "write_daily_report",
    # % if cookiecutter.workflow_builder
    "ask_people",
    "begin_child",
    "begin_wait",
    "choose_next",
    "close_step",
    "do_items",
    "expire_request",
    "finish_items",
    "is_same_attempt",
    "plan_items",
    "remind_people",
    "run_step",
    # % endif
}


def test_these_names_are_registered_and_no_others() -> None:
    assert set(registry.workflows()) == WORKFLOWS
    assert set(registry.activities()) == ACTIVITIES


def test_two_activities_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    @activity.defn(name="send_email_activity")
    def another() -> None:
        """As a second app would have it."""

    theirs = SimpleNamespace(__name__=__name__, another=another)
    monkeypatch.setattr(registry, "modules", lambda submodule, found=registry.modules: [*found(submodule), theirs])

    with pytest.raises(ImproperlyConfigured, match="'send_email_activity' is registered twice"):
        registry.activities.__wrapped__()


def test_every_app_with_workflows_or_activities_is_found() -> None:
    apps = Path(registry.__file__).parents[1]
    written = {path.parent.name for kind in ("workflows", "activities") for path in apps.glob(f"*/{kind}.py")}
    registered = {item.__module__.split(".")[1] for item in (*registry.workflows().values(), *registry.activities().values())}

    assert registered == written
