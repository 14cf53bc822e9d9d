"""A worker's probes: always an answer, and the right one."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.client import HTTPConnection
from typing import Any

import pytest
from django.core.management.base import CommandError
from pytest_django import Settings
from temporalio.client import Client

from apps.development.ports import free_port
from apps.development.testing import NOWHERE, PATIENCE, EventLoopThread
from apps.temporal import database, probes
from apps.temporal.probes import Probes


class Asked:
    """Probes that listen, and what they answer."""

    def __init__(self, probes: Probes, port: int) -> None:
        self.probes, self.port = probes, port

    def __call__(self, path: str) -> tuple[int, dict[str, Any]]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request("GET", path, headers={"User-Agent": "kube-probe/1.33"})
        response = connection.getresponse()
        answer = response.status, json.loads(response.read())
        connection.close()
        return answer


@pytest.fixture
def ask(settings: Settings, loop_thread: EventLoopThread, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    """See Asked. They wait for whom they ask with patience."""
    monkeypatch.setattr(probes, "REQUEST_TIMEOUT", PATIENCE)
    monkeypatch.setattr(probes, "TEMPORAL_TIMEOUT", timedelta(seconds=PATIENCE))
    monkeypatch.setattr(database, "DATABASE_TIMEOUT", PATIENCE)
    port = free_port()
    settings.TEMPORAL_PROBE_ADDRESS = f"127.0.0.1:{port}"

    async def start() -> Probes:
        return await Probes(asyncio.Event()).__aenter__()

    entered = loop_thread.run(start())
    yield Asked(entered, port)
    loop_thread.run(entered.__aexit__())


@pytest.fixture
def polling(ask: Asked, temporal_client: Client, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Probes of a worker that polls, with a database that answers."""
    monkeypatch.setattr(database, "_ask_database", lambda: None)
    ask.probes.client = temporal_client
    return ask


def test_a_worker_that_polls_is_ready(polling: Asked) -> None:
    assert polling("/ready") == (200, {"worker": "polling", "database": "ok", "temporal": "ok"})
    assert polling("/live") == (200, {"status": "ok"})


def test_a_worker_that_waits_for_its_server_is_alive_and_not_ready(polling: Asked) -> None:
    polling.probes.client = None

    assert polling("/ready") == (503, {"worker": "connecting", "database": "ok", "temporal": "unreachable: not connected yet"})
    assert polling("/live")[0] == 200


def test_a_worker_that_drains_is_not_ready(polling: Asked, loop_thread: EventLoopThread) -> None:
    loop_thread.loop.call_soon_threadsafe(polling.probes.stop.set)

    status, states = polling("/ready")

    assert (status, states["worker"]) == (503, "draining")


def test_a_worker_without_a_database_is_not_ready(polling: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_ask_database", lambda: 1 / 0)

    status, states = polling("/ready")

    assert (status, states["database"]) == (503, "unreachable: ZeroDivisionError")


def test_a_database_that_hangs_holds_nothing_up(polling: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, answers = threading.Event(), threading.Event()

    def hang() -> None:
        asked.set()
        answers.wait(2 * PATIENCE)

    monkeypatch.setattr(database, "DATABASE_TIMEOUT", 2 * PATIENCE)
    monkeypatch.setattr(database, "_ask_database", hang)
    asking = threading.Thread(target=polling, args=["/ready"])

    # While one waits for the database, another is told that the worker lives, and a third that it waited long enough.
    asking.start()
    assert asked.wait(PATIENCE)
    assert polling("/live")[0] == 200
    monkeypatch.setattr(database, "DATABASE_TIMEOUT", 1.0)
    assert polling("/ready") == (
        503,
        {"worker": "polling", "database": "unreachable: no answer within 1 s", "temporal": "ok"},
    )

    answers.set()
    asking.join()


def test_a_worker_whose_server_does_not_answer_is_not_ready(polling: Asked, loop_thread: EventLoopThread) -> None:
    async def unconnected() -> Client:
        return await Client.connect(NOWHERE, lazy=True)

    polling.probes.client = loop_thread.run(unconnected())

    status, states = polling("/ready")

    assert (status, states["database"]) == (503, "ok")
    assert states["temporal"].startswith("unreachable: ")


def test_other_paths_and_garbage_do_no_harm(polling: Asked) -> None:
    with socket.create_connection(("127.0.0.1", polling.port)) as silent, socket.create_connection(silent.getpeername()) as odd:
        odd.sendall(b"\x00\r\n\r\n")
        assert odd.recv(100).startswith(b"HTTP/1.1 404 ")
        assert polling("/metrics")[0] == 404


def test_without_the_setting_nothing_listens(settings: Settings, loop_thread: EventLoopThread) -> None:
    settings.TEMPORAL_PROBE_ADDRESS = ""

    async def enter() -> object:
        async with Probes(asyncio.Event()) as entered:
            return entered.server

    assert loop_thread.run(enter()) is None


def test_a_taken_port_is_named(ask: Asked, loop_thread: EventLoopThread) -> None:
    async def enter() -> None:
        async with Probes(asyncio.Event()):
            pass

    with pytest.raises(CommandError, match=rf"^TEMPORAL_PROBE_ADDRESS=127.0.0.1:{ask.port} cannot be used: .*in use"):
        loop_thread.run(enter())
