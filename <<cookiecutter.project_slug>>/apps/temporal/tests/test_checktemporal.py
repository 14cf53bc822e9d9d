"""`manage.py checktemporal` as an operator uses it."""

import json
import os
import subprocess
import sys
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from apps.development.testing import NOWHERE, PATIENCE, ROOT, Temporal
from apps.temporal import client, registry
from tests.installation import wait_until


def report(*, fails: str = "") -> dict[str, Any]:
    """The JSON of a run, which must end with an error that names what failed, if anything."""
    out = StringIO()
    if fails:
        with pytest.raises(CommandError, match=f"^Failed: {fails}\\.$"):
            call_command("checktemporal", "--json", stdout=out)
    else:
        call_command("checktemporal", "--json", stdout=out)
    said: dict[str, Any] = json.loads(out.getvalue())
    assert said["ok"] is not bool(fails)
    return {check["name"]: check["detail"] for check in said["checks"]}


def test_with_a_server_and_a_worker_all_is_well(temporal: Temporal) -> None:
    wait_until(lambda: client.pollers(temporal.task_queue), seconds=PATIENCE)

    details = report()

    assert details["settings"].endswith("namespace default, no TLS")
    assert details["connection"] == "the server answers"
    assert details["namespace"] == "default exists"
    assert f"{len(registry.workflows())} workflows" in details["worker"]
    assert "each queue is polled" in details["worker"]


def test_a_queue_that_nobody_polls_is_said_and_is_no_failure(server: str) -> None:
    assert "polled by nobody yet: nobody-polls-this" in report()["worker"]


def test_people_get_a_line_a_check(server: str) -> None:
    out = StringIO()

    call_command("checktemporal", stdout=out)

    lines = out.getvalue().splitlines()
    assert [line.split()[:2] for line in lines] == [["ok", name] for name in ("settings", "connection", "namespace", "worker")]


def test_without_a_server_three_checks_fail(settings: Settings) -> None:
    settings.TEMPORAL_ADDRESS, settings.TEMPORAL_TASK_QUEUE = NOWHERE, "tasks"

    details = report(fails="connection, namespace, worker")

    assert NOWHERE in details["connection"]


def test_a_missing_namespace_fails(server: str, settings: Settings) -> None:
    settings.TEMPORAL_NAMESPACE = "not-made-yet"

    details = report(fails="namespace, worker")

    assert "not-made-yet" in details["namespace"]


def test_a_task_queue_that_is_no_name_fails(server: str, settings: Settings) -> None:
    settings.TEMPORAL_TASK_QUEUE = "two words"

    assert "TEMPORAL_TASK_QUEUE='two words'" in report(fails="settings")["settings"]


def test_a_worker_with_nothing_to_run_fails(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "workflows", dict)

    # The settings fail, too: schedules name workflows.
    assert "No workflow is registered" in report(fails="settings, worker")["worker"]


def test_the_exit_code_is_1_when_a_check_fails() -> None:
    environment = {**os.environ, "TEMPORAL_ADDRESS": "nonsense"}
    command = [sys.executable, "manage.py", "checktemporal"]

    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    assert "TEMPORAL_ADDRESS='nonsense' is not host:port" in ended.stdout
    assert "Traceback" not in ended.stderr
