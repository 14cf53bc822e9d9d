"""The synchronous client against a real server, and against what only looks like one."""

import multiprocessing
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from pytest_django import Settings

from apps.development.ports import free_port
from apps.development.testing import NOWHERE, PATIENCE, ROOT, Temporal
from apps.temporal import client
from apps.temporal.exceptions import ExecutionFailed, ExecutionNotFound, Refused, StillRunning, TemporalUnavailable
from apps.users.models import User

EMPTY_BATCH = {"batch_id": "empty", "rows": {"model": "users.User"}}


@pytest.fixture
def silent_address() -> Iterator[str]:
    """A socket that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


def start(workflow_id: str, *, task_queue: str = "nobody-polls-this", timeout: float = client.TIMEOUT) -> str:
    """Start an execution and give the id of its run."""
    client.start_workflow("batch_processing", EMPTY_BATCH, workflow_id=workflow_id, task_queue=task_queue, timeout=timeout)
    return client.describe(workflow_id).run_id


def test_a_second_start_of_a_running_execution_is_the_first(server: str) -> None:
    workflow_id = f"twice-{uuid4()}"

    first, second = start(workflow_id), start(workflow_id)

    assert first == second
    assert client.describe(workflow_id).status == "running"


def test_a_second_start_of_a_closed_execution_starts_nothing(temporal: Temporal) -> None:
    workflow_id = f"closed-{uuid4()}"
    first = start(workflow_id, task_queue=temporal.task_queue)
    client.result(workflow_id, timeout=PATIENCE)

    second = start(workflow_id, task_queue=temporal.task_queue)

    found = client.describe(workflow_id)
    assert (second, found.run_id, found.status) == (first, first, "completed")
    assert found.closed_at is not None


def test_a_description_says_what_runs_since_when(server: str) -> None:
    workflow_id = f"described-{uuid4()}"
    start(workflow_id)

    found = client.describe(workflow_id)

    assert (found.workflow_id, found.workflow, found.status) == (workflow_id, "batch_processing", "running")
    assert found.started_at.tzinfo is not None
    assert found.closed_at is None


def test_a_result_is_plain_json(temporal: Temporal) -> None:
    workflow_id = f"result-{uuid4()}"
    start(workflow_id, task_queue=temporal.task_queue)

    result = client.result(workflow_id, timeout=PATIENCE)

    assert (result["batch_id"], result["total"], result["failures"]) == ("empty", 0, [])


def test_a_start_and_its_result_are_one_call(temporal: Temporal) -> None:
    result = client.execute("batch_processing", EMPTY_BATCH, workflow_id=f"executed-{uuid4()}", timeout=PATIENCE)

    assert (result["batch_id"], result["total"]) == ("empty", 0)


def test_a_query_is_answered_by_a_worker_and_one_that_fails_says_why(temporal: Temporal) -> None:
    workflow_id = f"asked-{uuid4()}"
    client.execute("batch_processing", EMPTY_BATCH, workflow_id=workflow_id, timeout=PATIENCE)

    assert client.query(workflow_id, "progress") == {"total": 0, "succeeded": 0, "failed": 0, "ranges_in_flight": 0}
    with pytest.raises(ExecutionFailed, match="did not answer no-such-query"):
        client.query(workflow_id, "no-such-query")


def test_a_query_that_nobody_answers_ends_in_time(server: str) -> None:
    start(workflow_id := f"unanswered-{uuid4()}")

    with pytest.raises(TemporalUnavailable, match=r"no answer within 0\.5 s"):
        client.query(workflow_id, "progress", timeout=0.5)


def test_a_cancelled_execution_has_no_result(temporal: Temporal) -> None:
    workflow_id = f"cancelled-{uuid4()}"
    user = User.objects.create_user("ada@example.com")
    wanted = {"user_id": user.pk, "email": user.email, "name": "Ada", "follow_up_delay": 3600}
    client.start_workflow("user_onboarding", wanted, workflow_id=workflow_id, task_queue=temporal.task_queue)

    client.cancel(workflow_id)

    with pytest.raises(ExecutionFailed, match="did not complete"):
        client.result(workflow_id, timeout=PATIENCE)
    assert client.describe(workflow_id).status == "canceled"


def test_waiting_for_a_result_ends_in_time(server: str) -> None:
    workflow_id = f"endless-{uuid4()}"
    start(workflow_id)

    with pytest.raises(StillRunning, match=r"has not ended within 0\.3 s"):
        client.result(workflow_id, timeout=0.3)


@pytest.mark.parametrize(
    "ask", [client.describe, client.cancel, lambda id_: client.result(id_, timeout=60)], ids=["describe", "cancel", "result"]
)
def test_an_execution_that_nobody_knows_is_not_found(server: str, ask: Callable[[str], object]) -> None:
    with pytest.raises(ExecutionNotFound, match="not found"):
        ask("no-such-execution")


def test_cancelling_an_execution_that_has_ended_changes_nothing(temporal: Temporal) -> None:
    workflow_id = f"ended-{uuid4()}"
    start(workflow_id, task_queue=temporal.task_queue)
    client.result(workflow_id, timeout=PATIENCE)

    client.cancel(workflow_id)

    assert client.describe(workflow_id).status == "completed"


def test_a_start_that_can_never_be_is_refused(server: str) -> None:
    with pytest.raises(Refused, match="Temporal refused the start of nameless"):
        client.start_workflow("", EMPTY_BATCH, workflow_id="nameless", task_queue="any")


def test_a_namespace_that_is_missing_makes_the_server_unusable(server: str, settings: Settings) -> None:
    settings.TEMPORAL_NAMESPACE = "not-made-yet"

    with pytest.raises(TemporalUnavailable, match="not-made-yet"):
        start("any")


def test_health_is_empty_when_the_server_answers(server: str) -> None:
    assert client.health() == ""


def test_without_a_server_it_says_so() -> None:
    with pytest.raises(TemporalUnavailable, match=f"Temporal at {NOWHERE} cannot be used"):
        start("any")
    problem = client.health(timeout=PATIENCE)

    assert "start it with `manage.py dev`" in problem
    assert "\n" not in problem


def test_a_server_that_never_answers_is_given_up_in_time(silent_address: str, settings: Settings) -> None:
    settings.TEMPORAL_ADDRESS = silent_address

    with pytest.raises(TemporalUnavailable, match=r"no answer within 0\.5 s"):
        start("any", timeout=0.5)
    problem = client.health(timeout=0.5)

    assert "no answer within 0.5 s" in problem


def test_a_server_that_comes_late_is_used_without_a_restart(settings: Settings) -> None:
    port = free_port()
    settings.TEMPORAL_ADDRESS = f"127.0.0.1:{port}"
    assert settings.TEMPORAL_ADDRESS in client.health(timeout=1)

    command = [sys.executable, "-m", "apps.development.server", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as late:
        assert late.stdout is not None
        assert late.stdout.readline() == "ready\n"
        problem = client.health(timeout=PATIENCE)
        late.terminate()

    assert problem == ""


def test_eight_threads_at_once_share_one_client(server: str) -> None:
    ids = [f"thread-{n}-{uuid4()}" for n in range(40)]
    start(f"before-{uuid4()}")
    threads = _of_clients()

    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(start, ids))
        portals = set(pool.map(lambda _: client._portal(), range(40)))

    assert len(set(runs)) == 40
    assert len(portals) == 1
    assert _of_clients() == threads


def _of_clients() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "temporal-client"}


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_makes_a_client_of_its_own(server: str) -> None:
    workflow_id = f"forked-{uuid4()}"
    start(workflow_id)
    fork = multiprocessing.get_context("fork")
    said = fork.SimpleQueue()

    child = fork.Process(target=lambda: said.put((os.getpid(), client.describe(workflow_id).status)))
    child.start()
    child.join(2 * PATIENCE)
    child.kill()
    child.join()

    assert child.exitcode == 0
    assert said.get() == (child.pid, "running")
    assert client.describe(workflow_id).status == "running"


def test_short_processes_end_without_a_crash(temporal_server: str) -> None:
    """One in five crashed before the SDK's threads were let come to rest."""
    ask = "import django; django.setup(); from apps.temporal import client; assert client.health(100) == ''"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.test", "TEMPORAL_ADDRESS": temporal_server}

    codes = [subprocess.run([sys.executable, "-c", ask], cwd=ROOT, env=environment, check=False).returncode for _ in range(10)]

    assert codes == [0] * 10
