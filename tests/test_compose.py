"""The containers as rendered: built, brought up, stopped in the middle of work. Skipped where Docker does not work."""

import json
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.conftest import Rendered
from tests.processes import wait_until
from tools.demo import NO_ADDRESS, ROWS, UNREADABLE_NAME, write_people
from tools.project import Api, Project, free_ports

ADDRESS = "staff@example.com"
WAITING_FOR_A_LOCK = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
# Changes wait, references to an account do not.
LOCK = "BEGIN; LOCK TABLE users_user IN SHARE MODE; SELECT pg_sleep(600);"
UNLOCK = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; LOCK TABLE%'"


class Stack(Project):
    """The project's containers. `compose` runs docker compose, `manage` a command of the project in the web container."""

    web_port = 0

    def compose(self, *arguments: str) -> str:
        return self.run("docker", "compose", *arguments)

    def manage(self, *command: str) -> str:
        return self.compose("exec", "--no-TTY", "web", "python", "manage.py", *command)

    def sql(self, statement: str) -> str:
        return self.compose(
            "exec", "--no-TTY", "postgres", "psql", "--username=postgres", "--tuples-only", "--no-align", "--command", statement
        )


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
        stack.compose("up", "--build", "--wait", "--wait-timeout", "300")
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
    mails = stack.compose("logs", "--no-log-prefix", "worker")
    assert mails.count("To: person-0@example.com") == 2
    assert json.loads(stack.manage("checktemporal", "--json"))["ok"]


def test_stopping_the_worker_during_an_activity_loses_nothing(stack: Stack, api: Api) -> None:
    # A lock makes the activity last as long as the test wants.
    psql = ["docker", "compose", "exec", "--no-TTY", "postgres", "psql", "--username=postgres", "--command", LOCK]
    with subprocess.Popen(
        psql, cwd=stack.folder, env=stack.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as locking:
        wait_until(lambda: "1" in stack.sql("SELECT count(*) FROM pg_locks WHERE mode = 'ShareLock' AND locktype = 'relation'"))
        api.post("/batches", {"batch_id": "stopped", "rows": {"model": "users.User", "filter": {}}, "action": "check_profile"})
        wait_until(lambda: int(stack.sql(WAITING_FOR_A_LOCK)) > 0)
        with subprocess.Popen(
            ["docker", "compose", "stop", "worker"], cwd=stack.folder, env=stack.environment, stderr=subprocess.DEVNULL
        ) as stopping:
            wait_until(lambda: "worker_draining" in stack.compose("logs", "worker"))
            still_working = stopping.poll() is None
            stack.sql(UNLOCK)
            assert stopping.wait(60) == 0
        locking.wait(10)
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
