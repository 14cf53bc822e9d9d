"""Fixtures of the tests of executions."""

import threading
from collections.abc import Iterator

import pytest

from apps.development.testing import PATIENCE
from apps.executions import sse, stream
from apps.executions.sse import Hub


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that looks often, whose streams say what changes and nothing else; its thread has ended when the test has."""
    monkeypatch.setattr(sse, "INTERVAL", 0.02)
    monkeypatch.setattr(sse, "LINGER", 0.1)
    monkeypatch.setattr(stream, "KEEP_ALIVE_SECONDS", 120.0)
    hub = Hub()
    monkeypatch.setattr(stream, "hub", hub)
    yield hub
    hub.close()
    for thread in threading.enumerate():
        if thread.name == "executions-stream":
            thread.join(PATIENCE)
            assert not thread.is_alive()
