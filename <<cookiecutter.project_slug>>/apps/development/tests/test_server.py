"""The embedded server where it cannot start. Where it can, every other test of this folder uses it."""

import os
import socket
import subprocess
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from apps.development.ports import free_port
from apps.development.server import HOW_TO_GET_ONE, find_cli, patiently
from apps.development.testing import PATIENCE, ROOT, EventLoopThread


def test_without_a_temporal_program_it_says_what_to_do() -> None:
    environment = {**os.environ, "TEMPORAL_CLI": "/nowhere/temporal"}
    command = [sys.executable, "-m", "apps.development.server", "--port", str(free_port())]

    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.startswith(HOW_TO_GET_ONE)
    assert "Traceback" not in ended.stderr


def test_what_the_program_itself_says_comes_not_before_its_being_ready(tmp_path: Path) -> None:
    if (real := find_cli()) is None:
        pytest.skip("no temporal program is installed: the SDK takes its own")
    talkative = tmp_path / "temporal"
    talkative.write_text(f'#!/bin/sh\necho "Temporal CLI"\nexec {real} "$@"\n')
    talkative.chmod(0o755)
    command = [sys.executable, "-m", "apps.development.server", "--port", str(free_port())]
    environment = {**os.environ, "TEMPORAL_CLI": str(talkative)}

    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        said = server.stdout.readline()
        server.terminate()

    assert said == "ready\n"


def test_the_variable_wins_over_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_CLI", "/somewhere/temporal")

    assert find_cli() == "/somewhere/temporal"


def test_a_free_port_is_given_to_one_who_asks() -> None:
    ports = [free_port() for _ in range(500)]

    assert len(set(ports)) == len(ports)
    with socket.create_server(("127.0.0.1", ports[0])):
        assert free_port() != ports[0]


def test_it_ends_with_its_parent() -> None:
    port = free_port()
    parent = (
        "import subprocess, sys; "
        "command = [sys.executable, '-m', 'apps.development.server', '--port', sys.argv[1]]; "
        "print(subprocess.Popen(command, stdout=subprocess.PIPE).stdout.readline())"
    )

    # Waits for the end of the error output, which the server holds open while it lives.
    said = subprocess.run(
        [sys.executable, "-c", parent, str(port)], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=True
    )

    assert "ready" in said.stdout
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


@pytest.mark.parametrize(
    ("said", "tries"),
    [("ephemeral server at 127.0.0.1:1 did not start within 5s", 3), ("no such file", 1)],
    ids=["slow at first", "not there"],
)
def test_a_server_that_is_slow_to_start_gets_another_chance(
    temporal_client: Client, loop_thread: EventLoopThread, said: str, tries: int
) -> None:
    calls: list[str] = []

    async def start() -> WorkflowEnvironment:
        calls.append(said)
        if len(calls) < 3:
            raise RuntimeError(said)
        return WorkflowEnvironment.from_client(temporal_client)

    outcome: AbstractContextManager[object] = nullcontext() if tries == 3 else pytest.raises(RuntimeError, match=said)
    with outcome:
        loop_thread.run(patiently(start))

    assert len(calls) == tries
