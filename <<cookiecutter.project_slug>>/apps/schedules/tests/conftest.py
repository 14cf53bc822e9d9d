"""What the tests of schedules need."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from pytest_django import Settings
from temporalio.client import Client

from apps.development.testing import EventLoopThread
from apps.schedules import services as schedules
from apps.schedules.tests.scheduling import Schedules
from apps.temporal.tests.conftest import server  # noqa: F401  a fixture


@pytest.fixture
def on_server(
    temporal_server: str,
    temporal_client: Client,
    loop_thread: EventLoopThread,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Schedules]:
    """See Schedules. The prefix is this test's own."""
    settings.TEMPORAL_ADDRESS, settings.TEMPORAL_TASK_QUEUE = temporal_server, f"shop-{uuid4()}-tasks"
    yield (found := Schedules(temporal_client, loop_thread, monkeypatch))
    settings.TEMPORAL_ADDRESS = temporal_server
    found.declare()
    schedules.sync()
