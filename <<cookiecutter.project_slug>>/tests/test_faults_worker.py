"""Workers stopped and killed while twenty activities are in flight: each completes, there or elsewhere."""

import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from temporalio.api.enums.v1 import TimeoutType
from temporalio.client import Client, WorkflowHandle

from apps.development.ports import free_port
from apps.development.processes import Processes
from apps.development.testing import EventLoopThread
from tests.installation import PATIENCE, ROOT, Installation, wait_until

IN_FLIGHT = 20

type Start = Callable[..., WorkflowHandle[Any, Any]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the activities say when they begin and when they end."""
    (folder := tmp_path / "slow").mkdir()
    return folder


@pytest.fixture
def start(installation: Installation, folder: Path, loop_thread: EventLoopThread, temporal_client: Client) -> Start:
    """Start a workflow of twenty activities at once, which end when they are told to go."""

    def start(*silence: float) -> WorkflowHandle[Any, Any]:
        arguments = ["write_begin_and_end", str(folder), IN_FLIGHT, *silence]
        return loop_thread.run(
            temporal_client.start_workflow("slow", args=arguments, id=f"slow-{uuid4()}", task_queue=installation.task_queue)
        )

    return start


def wait_until_in_flight(folder: Path) -> None:
    wait_until(lambda: count(folder, "begin-*-1") == IN_FLIGHT)


def count(folder: Path, pattern: str) -> int:
    return len(list(folder.glob(pattern)))


def written_by(process: subprocess.Popen[bytes], folder: Path, kind: str) -> set[str]:
    """The numbers of the activities that a process began, or ended."""
    return {path.name.split("-")[1] for path in folder.glob(f"{kind}-*") if path.read_text() == str(process.pid)}


def test_sigterm_lets_running_activities_complete(installation: Installation, start: Start, folder: Path) -> None:
    start()

    with installation.worker() as worker:
        wait_until_in_flight(folder)
        worker.terminate()
        wait_until(lambda: "worker_draining" in installation.log())
        (folder / "go").touch()
        exit_code = worker.wait(PATIENCE)

    assert exit_code == 0
    assert count(folder, "end-*-1") == count(folder, "end-*") == count(folder, "begin-*") == IN_FLIGHT


def test_a_second_signal_ends_the_worker_at_once(installation: Installation, start: Start, folder: Path) -> None:
    start()

    with installation.worker(TEMPORAL_SHUTDOWN_GRACE="3600") as worker:
        wait_until_in_flight(folder)
        worker.terminate()
        wait_until(lambda: "worker_draining" in installation.log())
        worker.terminate()
        exit_code = worker.wait(PATIENCE)

    assert exit_code == 128 + signal.SIGTERM
    assert count(folder, "end-*") == 0


def test_what_a_killed_worker_ran_is_run_by_the_one_beside_it(
    installation: Installation, start: Start, folder: Path, loop_thread: EventLoopThread
) -> None:
    handle = start(5)

    with installation.worker() as killed:
        wait_until_in_flight(folder)
        with installation.worker() as other:
            installation.wait_for_workers(2)
            killed.kill()
            killed.wait()
            (folder / "go").touch()
            attempts = loop_thread.run(handle.result(), timeout=600)
            history = loop_thread.run(handle.fetch_history())

    assert min(attempts) > 1
    assert count(folder, "end-*-1") == 0
    assert len(written_by(killed, folder, "begin")) == len(written_by(other, folder, "end")) == IN_FLIGHT
    # None of those attempts failed: they were missed.
    ended = [event.activity_task_started_event_attributes for event in history.events]
    assert [one.last_failure.timeout_failure_info.timeout_type for one in ended if one.attempt] == [
        TimeoutType.TIMEOUT_TYPE_HEARTBEAT
    ] * IN_FLIGHT


def test_a_change_of_code_lets_the_old_worker_finish_beside_the_new_one(
    installation: Installation, start: Start, folder: Path, loop_thread: EventLoopThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in installation.environment.items():
        monkeypatch.setenv(name, value)
    handle, processes = start(), Processes(ROOT)

    processes.start_worker()
    try:
        wait_until_in_flight(folder)
        processes.start_worker()
        # Each is told to stop once: a second signal would end it at once.
        threading.Timer(1, (folder / "go").touch).start()
    finally:
        processes.close()

    assert count(folder, "end-*-1") == IN_FLIGHT
    with installation.worker():
        assert loop_thread.run(handle.result(), timeout=600) == [1] * IN_FLIGHT


def test_ctrl_c_in_development_lets_running_activities_complete(installation: Installation, start: Start, folder: Path) -> None:
    start()
    log = installation.folder / "dev.log"

    with installation.process("manage.py", "dev", "--web-port", str(free_port()), log="dev.log") as development:
        wait_until_in_flight(folder)
        development.send_signal(signal.SIGINT)
        wait_until(lambda: "worker_draining" in log.read_text(errors="replace"))
        (folder / "go").touch()
        exit_code = development.wait(PATIENCE)

    assert exit_code == 0, log.read_text(errors="replace")
    assert count(folder, "end-*-1") == count(folder, "begin-*") == IN_FLIGHT
