"""What the tests of schedules need: a declaration, and the server's side of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from types import ModuleType
from typing import Any

import pytest
from django.core.management import call_command
from temporalio.client import Client, ScheduleDescription, ScheduleHandle

from apps.development.testing import PATIENCE, EventLoopThread
from apps.schedules import services as schedules
from apps.schedules.services import WorkflowSchedule
from apps.temporal import registry
from tests.installation import wait_until

# A time that does not come while a test counts executions.
NEW_YEAR = ("0 6 1 1 *",)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    user_id: int


def daily(**changed: Any) -> WorkflowSchedule:
    wanted = WorkflowSchedule(name="daily", workflow="user_onboarding", argument=Wanted(user_id=7), cron=("0 6 * * *",))
    return replace(wanted, **changed)


def synced(*options: str) -> str:
    out = StringIO()
    call_command("syncschedules", *options, stdout=out, no_color=True)
    return out.getvalue()


class Schedules:
    """The schedules of one test: `declare` says what the project wants, the rest is what the server has."""

    def __init__(self, client: Client, loop: EventLoopThread, monkeypatch: pytest.MonkeyPatch) -> None:
        self.client, self.loop = client, loop
        self.module = ModuleType("apps.shop.schedules")
        others = registry.modules
        monkeypatch.setattr(registry, "modules", lambda name: [self.module] if name == "schedules" else others(name))

    def declare(self, *code: WorkflowSchedule, rows: Callable[[], Sequence[WorkflowSchedule]] = tuple) -> None:
        vars(self.module).update(SCHEDULES=code, schedules=rows)

    def handle(self, name: str) -> ScheduleHandle:
        return self.client.get_schedule_handle(schedules.prefix() + name)

    def describe(self, name: str) -> ScheduleDescription:
        return self.loop.run(self.handle(name).describe())

    def listed(self, *names: str, paused: Sequence[str] = ()) -> None:
        """Wait until the server lists exactly these, and these of them as paused: its list follows, as any index does."""
        wanted = [(name, name in paused) for name in sorted(names)]
        wait_until(lambda: [(state.name, state.paused) for state in schedules.states()] == wanted, seconds=PATIENCE)
