"""The embedded server where it cannot start. Where it can, every other test of this folder uses it."""

import os
import socket
import subprocess
import sys

import pytest

from apps.temporal.devserver import HOW_TO_GET_ONE, find_cli, free_port
from apps.temporal.testing import ROOT


def test_without_a_temporal_program_it_says_what_to_do() -> None:
    environment = {**os.environ, "TEMPORAL_CLI": "/nowhere/temporal"}
    command = [sys.executable, "-m", "apps.temporal.devserver", "--port", str(free_port())]

    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.startswith(HOW_TO_GET_ONE)
    assert "Traceback" not in ended.stderr


def test_the_variable_wins_over_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_CLI", "/somewhere/temporal")

    assert find_cli() == "/somewhere/temporal"


def test_it_ends_with_its_parent() -> None:
    port = free_port()
    parent = (
        "import subprocess, sys; "
        "command = [sys.executable, '-m', 'apps.temporal.devserver', '--port', sys.argv[1]]; "
        "print(subprocess.Popen(command, stdout=subprocess.PIPE).stdout.readline())"
    )

    # Waits for the end of the error output, which the server holds open while it lives.
    said = subprocess.run(
        [sys.executable, "-c", parent, str(port)], cwd=ROOT, capture_output=True, text=True, timeout=20, check=True
    )

    assert "ready" in said.stdout
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
