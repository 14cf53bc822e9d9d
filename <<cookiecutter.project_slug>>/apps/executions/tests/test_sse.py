"""Live changes: who gets which, when, and at what cost."""

import threading
import time

import pytest
from django.db import OperationalError

from apps.development.testing import PATIENCE
from apps.executions import sse, stream
from apps.executions.models import Execution
from apps.executions.sse import Hub, TooManyWatchers
from apps.executions.tests.rows import execution
from apps.executions.tests.watching import END, Reader, change, step, wait_for_look
from tests.installation import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_change_is_sent_to_all_who_watch_and_rendered_once(hub: Hub) -> None:
    row, rendered = execution(), []

    def render(changed: Execution) -> str:
        rendered.append(changed.revision)
        return f"at {changed.current_step}\r\nand on"

    readers = [Reader(hub, row, user_id=number, render=render) for number in range(20)]
    wait_for_look(hub)
    change(row, current_step="packing")

    for reader in readers:
        reader.wait_for("event: changed\ndata: at packing\ndata: and on\nid: 1\n\n")
    assert rendered == [1]


def test_only_the_newest_state_waits_for_a_slow_reader(hub: Hub) -> None:
    row = execution()
    slow, quick = Reader(hub, row, render=step), Reader(hub, row, render=step)

    for number in range(5):
        change(row, current_step=f"step {number}")
        quick.wait_for(f"step {number}\n")
    wait_for_look(hub)
    slow.wait_for("step 4")

    assert len(slow.sent) == 1
    assert slow.sent[0].count("event:") == 1


def test_all_are_served_by_one_look_at_the_database(hub: Hub) -> None:
    rows = [execution() for _ in range(3)]
    readers = [Reader(hub, *rows, render=step) for _ in range(30)]
    asked = time.monotonic()
    looked = hub.polls

    change(rows[2], current_step="there")
    for reader in readers:
        reader.wait_for("there")

    # The first of them may have begun before, and taken so long that the second follows it at once.
    assert hub.polls - looked <= (time.monotonic() - asked) / sse.INTERVAL + 2
    assert [thread.name for thread in threading.enumerate()].count("executions-stream") == 1


def test_nobody_looks_while_nobody_watches(hub: Hub) -> None:
    row = execution()
    reader = Reader(hub, row)
    (thread,) = (each for each in threading.enumerate() if each.name == "executions-stream")

    hub.leave(reader.watcher)
    thread.join(PATIENCE)
    assert not thread.is_alive()

    again = Reader(hub, row, render=step)
    change(row, current_step="seen")
    again.wait_for("seen")


def test_what_the_client_has_is_not_sent_again(hub: Hub) -> None:
    row = execution(revision=7)
    new, old = Reader(hub, row, render=step, since=stream.NOTHING), Reader(hub, row, render=step, since=7)

    new.wait_for("id: 7\n")
    wait_for_look(hub)
    assert old.watcher.take() == ("", False)
    change(row, current_step="next")
    old.wait_for("next")

    assert old.sent == ["event: changed\ndata: next\nid: 8\n\n"]


def test_a_stream_ends_when_all_that_it_is_about_has_ended_and_is_quiet(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "LINGER", 0.0)
    rows = [execution(), execution()]
    reader = Reader(hub, *rows, render=step)

    change(rows[0], status="completed", current_step="first")
    reader.wait_for("first")
    wait_for_look(hub)
    assert not reader.watcher.ended

    monkeypatch.setattr(sse, "LINGER", 3600.0)
    change(rows[1], status="failed", current_step="second")
    reader.wait_for("second")
    wait_for_look(hub)
    change(rows[1], current_step="late")
    reader.wait_for("late")

    monkeypatch.setattr(sse, "LINGER", 0.0)
    reader.wait_for(END)

    assert reader.ended


def test_a_stream_that_is_old_ends_without_saying_so_for_the_client_to_come_back(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "MAX_AGE", 0.1)
    reader = Reader(hub, execution())

    reader.wait_for_end()

    assert reader.sent == [""]


def test_there_is_room_for_so_many_and_for_so_many_of_one_account(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_WATCHERS", 3)
    monkeypatch.setattr(sse, "MAX_WATCHERS_OF_A_USER", 2)
    row = execution()
    readers = [Reader(hub, row), Reader(hub, row)]

    with pytest.raises(TooManyWatchers):
        Reader(hub, row)
    Reader(hub, row, user_id=2)
    with pytest.raises(TooManyWatchers):
        Reader(hub, row, user_id=3)
    hub.leave(readers[0].watcher)
    Reader(hub, row, user_id=3)


def test_a_database_that_is_away_and_a_row_that_cannot_be_shown_end_no_stream(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    row, other = execution(), execution()
    away, tried = threading.Event(), threading.Event()
    away.set()

    def render(changed: Execution) -> str:
        if away.is_set():
            tried.set()
            raise OperationalError
        return changed.current_step if changed.pk == row.pk else str(1 / 0)

    reader = Reader(hub, row, other, render=render)
    change(other, current_step="unknown")
    assert tried.wait(PATIENCE)
    away.clear()
    change(row, current_step="back")

    reader.wait_for("back")
    wait_until(lambda: "stream_not_rendered" in caplog.text, seconds=PATIENCE)
    assert caplog.records[0].message == "stream_waits"
