"""The containers as rendered: built, brought up, stopped in the middle of work. Skipped where Docker does not work."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.conftest import Rendered
from tests.processes import wait_until
from tools.demo import NO_ADDRESS, ROWS, UNREADABLE_NAME, write_people
from tools.project import Api, DemoError, Project, free_ports

ADDRESS = "staff@example.com"
# Changes wait, references to an account do not.
LOCK = "BEGIN; LOCK TABLE users_user IN SHARE MODE; SELECT 'locked';"
UNLOCK = "COMMIT; SELECT 'unlocked';"
WAITING_FOR_A_LOCK = "SELECT count(*) FROM pg_locks WHERE NOT granted;"


class Stack(Project):
    """The project's containers. `compose` runs docker compose, `manage` a command of the project in the web container."""

    web_port = 0

    def compose(self, *arguments: str) -> str:
        return self.run("docker", "compose", *arguments)

    def manage(self, *command: str) -> str:
        return self.compose("exec", "--no-TTY", "web", "python", "manage.py", *command)

    @contextmanager
    def running(self, *arguments: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
        """A docker compose that runs until the block ends."""
        command = ["docker", "compose", *arguments]
        with subprocess.Popen(command, cwd=self.folder, env=self.environment, text=True, **options) as process:
            try:
                yield process
            finally:
                process.terminate()

    @contextmanager
    def psql(self) -> Iterator[Callable[[str], str]]:
        """A session of the database: what runs statements, of which the last gives one line."""
        psql = ("psql", "--username=postgres", "--quiet", "--tuples-only", "--no-align")
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with self.running("exec", "--no-TTY", "postgres", *psql, **pipes) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            talk_in, talk_out = process.stdin, process.stdout

            def ask(statements: str) -> str:
                talk_in.write(f"{statements}\n")
                talk_in.flush()
                return talk_out.readline().strip()

            try:
                yield ask
            finally:
                # It ends, and with it what it locks.
                talk_in.close()
                process.wait()

    def can_work(self) -> bool:
        """Whether the project's own check finds Temporal. It waits for some seconds, for people."""
        try:
            return bool(json.loads(self.manage("checktemporal", "--json"))["ok"])
        except DemoError:
            return False


@pytest.fixture(scope="module")
def stack(rendered: Rendered) -> Iterator[Stack]:
    """The project as rendered with defaults, brought up on free ports and taken down with its volumes."""
    if shutil.which("docker") is None or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode != 0:
        pytest.skip("containers cannot be had here: `docker info` fails")
    stack = Stack(rendered("cookiecutter", "default"))
    stack.web_port, temporal_port, ui_port = free_ports(3)
    stack.environment |= {
        "COMPOSE_PROJECT_NAME": f"kairon-test-{stack.web_port}",
        "ONBOARDING_FOLLOW_UP_DELAY": "1",
        "TEMPORAL_PORT": str(temporal_port),
        "TEMPORAL_UI_PORT": str(ui_port),
        "WEB_PORT": str(stack.web_port),
    }
    try:
        stack.compose("up", "--build", "--wait", "--wait-timeout", "900")
        yield stack
    finally:
        stack.compose("down", "--volumes", "--timeout", "1")


@pytest.fixture(scope="module")
def api(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Api:
    """The API of the stack, whose database holds the demo's people."""
    people = write_people(tmp_path_factory.mktemp("people") / "people.csv")
    people.parent.chmod(0o755)
    stack.compose(
        "run",
        "--rm",
        "--no-deps",
        "--no-TTY",
        "--volume",
        f"{people}:/people.csv:ro",
        "web",
        "python",
        "manage.py",
        "importusers",
        "/people.csv",
    )
    stack.compose(
        "exec",
        "--no-TTY",
        "--env",
        "DJANGO_SUPERUSER_PASSWORD=made-up-for-tests",
        "web",
        "python",
        "manage.py",
        "createsuperuser",
        "--noinput",
        "--email",
        ADDRESS,
    )
    token = stack.manage("createtoken", ADDRESS, "--name", "test").splitlines()[-1]
    return Api(f"http://localhost:{stack.web_port}", token)


def test_a_workflow_runs_through_web_and_worker(stack: Stack, api: Api) -> None:
    user = api.post("/onboarding", {"user_id": 1})

    wait_until(lambda: api.get("/onboarding/1")["status"] == "completed")
    assert user["workflow_id"] == "onboarding-1"
    # What a container prints comes to its log a moment later.
    wait_until(lambda: stack.compose("logs", "--no-log-prefix", "worker").count("To: person-0@example.com") == 2)
    wait_until(stack.can_work)


def test_stopping_the_worker_during_an_activity_loses_nothing(stack: Stack, api: Api) -> None:
    # A lock makes the activity last as long as the test wants; its heartbeat must not be missed for 30 s meanwhile.
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with stack.psql() as ask, stack.running("logs", "--follow", "worker", **pipes) as log:
        assert ask(LOCK) == "locked"
        api.post("/batches", {"batch_id": "stopped", "rows": {"model": "users.User", "filter": {}}, "action": "check_profile"})
        wait_until(lambda: int(ask(WAITING_FOR_A_LOCK)) > 0)
        with stack.running("stop", "--timeout=300", "worker", stderr=subprocess.DEVNULL) as stopping:
            assert log.stdout is not None
            assert any("worker_draining" in line for line in log.stdout)
            still_working = stopping.poll() is None
            ask(UNLOCK)
            assert stopping.wait(300) == 0
    assert still_working
    assert stack.compose("ps", "--all", "--format", "{{.ExitCode}}", "worker") == "0"
    assert api.get("/batches/stopped")["succeeded"] > 0

    stack.compose("start", "worker")

    wait_until(lambda: api.get("/batches/stopped")["status"] == "completed")
    batch = api.get("/batches/stopped")
    assert (batch["total"], batch["succeeded"], batch["failed"]) == (
        ROWS - NO_ADDRESS + 1,
        ROWS - NO_ADDRESS + 1 - UNREADABLE_NAME,
        UNREADABLE_NAME,
    )
    assert attempts(stack, "batch-stopped") == {1}


def attempts(stack: Stack, workflow_id: str) -> set[int]:
    """Which attempt each activity of an execution completed in: an activity that was not let finish is tried again."""
    shown = stack.compose(
        "exec", "--no-TTY", "temporal", "temporal", "workflow", "show", "--workflow-id", workflow_id, "--output", "json"
    )
    started = (event.get("activityTaskStartedEventAttributes") for event in json.loads(shown)["events"])
    return {attributes["attempt"] for attributes in started if attributes}
