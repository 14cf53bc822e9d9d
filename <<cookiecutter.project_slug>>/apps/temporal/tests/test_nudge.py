"""The process that wrote a message sends it soon, in one thread, whatever happens there."""

from collections.abc import Callable, Iterator
from threading import Event

import pytest

from apps.development.testing import PATIENCE
from apps.temporal import relay
from apps.temporal.exceptions import TemporalUnavailable
from tests.installation import wait_until


@pytest.fixture
def nudger(monkeypatch: pytest.MonkeyPatch) -> Iterator[relay._Nudger]:
    nudger = relay._Nudger()
    yield nudger
    nudger.thread.shutdown()


def deliver_by(monkeypatch: pytest.MonkeyPatch, deliver: Callable[[], int]) -> None:
    monkeypatch.setattr(relay, "deliver_all", deliver)


def test_nudges_that_come_while_one_is_at_work_are_one_more(nudger: relay._Nudger, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on, rounds = Event(), Event(), []

    def deliver() -> int:
        rounds.append(1)
        begun.set()
        assert go_on.wait(PATIENCE)
        return 0

    deliver_by(monkeypatch, deliver)
    nudger.nudge()
    assert begun.wait(PATIENCE)
    for _ in range(50):
        nudger.nudge()
    go_on.set()
    nudger.thread.shutdown()

    assert len(rounds) == 2


@pytest.mark.parametrize("error", [RuntimeError("a bug"), TemporalUnavailable("away")], ids=["bug", "away"])
def test_an_error_does_not_end_the_nudges(nudger: relay._Nudger, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setattr(relay, "INTERVAL", 0.05)
    rounds: list[int] = []

    def deliver() -> int:
        rounds.append(1)
        if len(rounds) == 1:
            raise error
        return 0

    def again() -> bool:
        nudger.nudge()
        return len(rounds) > 1

    deliver_by(monkeypatch, deliver)
    nudger.nudge()

    wait_until(again, seconds=PATIENCE)


def test_while_temporal_is_away_requests_do_not_ask_again_and_again(
    nudger: relay._Nudger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "INTERVAL", 3600)
    tried: list[int] = []

    def deliver() -> int:
        tried.append(1)
        raise TemporalUnavailable("away")

    deliver_by(monkeypatch, deliver)
    nudger.nudge()
    wait_until(lambda: nudger.away_until, seconds=PATIENCE)
    for _ in range(50):
        nudger.nudge()
    nudger.thread.shutdown()

    assert len(tried) == 1
