"""The database loses its connections, or is away for some seconds: what runs comes to its end."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import Client, WorkflowHandle

from apps.development.ports import free_port
from apps.development.testing import EventLoopThread
from tests.installation import Installation, migrate, wait_until
from tests.postgresql import PostgreSQL
from tests.web import serving, status

ACTIVITIES = 100
SECONDS_AWAY = 10
type Add = Callable[[], WorkflowHandle[Any, Any]]

KILL = """
SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


@pytest.fixture
def installation(tmp_path: Path, postgresql: PostgreSQL, temporal_server: str) -> Installation:
    """An installation on a database that can be stopped."""
    migrate(postgresql.url)
    return Installation(folder=tmp_path, url=postgresql.url, address=temporal_server)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the activities say that the database answered."""
    (folder := tmp_path / "slow").mkdir()
    return folder


@pytest.fixture
def add(installation: Installation, folder: Path, loop_thread: EventLoopThread, temporal_client: Client) -> Add:
    """Start a workflow of a hundred activities that use the database until they are told to go."""

    def start() -> WorkflowHandle[Any, Any]:
        arguments = ["add_user", str(folder), ACTIVITIES]
        return loop_thread.run(
            temporal_client.start_workflow("slow", args=arguments, id=f"slow-{uuid4()}", task_queue=installation.task_queue)
        )

    return start


def asked(folder: Path, attempt: str = "1") -> int:
    """How many activities the database has answered in that attempt."""
    return len(list(folder.glob(f"asked-*-{attempt}")))


def added(installation: Installation) -> int:
    return installation.number("SELECT count(*) FROM users_user WHERE email LIKE '%@added.test'")


def test_every_activity_succeeds_when_all_database_connections_are_killed_under_them(
    installation: Installation, add: Add, folder: Path, loop_thread: EventLoopThread
) -> None:
    adding = add()

    with installation.worker() as worker:
        wait_until(lambda: asked(folder) >= ACTIVITIES // 5)
        # Or the next attempt could begin on a connection that is not dead yet.
        (folder / "hold").touch()
        killed = ", ".join(str(pid) for pid, _ in installation.sql(KILL))
        wait_until(lambda: not installation.number(f"SELECT count(*) FROM pg_stat_activity WHERE pid IN ({killed})"))  # noqa: S608  numbers
        (folder / "go").touch()
        (folder / "hold").unlink()
        attempts = loop_thread.run(adding.result(), timeout=600)
        assert worker.poll() is None

    assert added(installation) == len(attempts) == ACTIVITIES
    # Those that ran when it happened needed one attempt more.
    assert set(attempts) == {1, 2}


def test_nothing_is_lost_while_the_database_is_away(
    installation: Installation, add: Add, folder: Path, loop_thread: EventLoopThread, postgresql: PostgreSQL
) -> None:
    probe = f"127.0.0.1:{free_port()}"

    def ready() -> tuple[int, int]:
        return api.probe("ready"), status(f"http://{probe}/ready")

    with installation.worker(TEMPORAL_PROBE_ADDRESS=probe) as worker, serving(installation) as api:
        wait_until(lambda: ready() == (200, 200))
        adding = add()
        wait_until(lambda: asked(folder))
        postgresql.stop()
        back = time.monotonic() + SECONDS_AWAY
        wait_until(lambda: ready() == (503, 503))
        while time.monotonic() < back:
            assert (api.probe("live"), status(f"http://{probe}/live"), ready()) == (200, 200, (503, 503))
            time.sleep(0.5)
        postgresql.start()
        wait_until(lambda: ready() == (200, 200))
        # Another attempt of those that the database did not answer.
        wait_until(lambda: asked(folder, "*") > asked(folder))
        (folder / "go").touch()
        attempts = loop_thread.run(adding.result(), timeout=600)
        assert worker.poll() is None

    assert added(installation) == len(attempts) == ACTIVITIES
    assert max(attempts) > 1
