"""An installation of the project for tests that kill its processes: a database, a queue and a mail folder of its own."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings

ROOT = Path(__file__).resolve().parents[1]


class Installation:
    """Starts commands of the project as an operator would. `url` is its database, `folder` keeps its files."""

    def __init__(self, *, folder: Path, url: str, address: str) -> None:
        self.folder, self.url, self.mails = folder, url, folder / "mail"
        self.task_queue = f"faults-{uuid4()}"
        self.environment = {
            **os.environ,
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "tests.slowly.settings",
            "EMAIL_URL": f"file://{self.mails}",
            "ONBOARDING_FOLLOW_UP_DELAY": "0.5",
            "SITE_DOMAIN": "example.com",
            "TEMPORAL_ADDRESS": address,
            "TEMPORAL_TASK_QUEUE": self.task_queue,
        }

    def manage(self, *arguments: str) -> str:
        """Run a management command and give what it printed. Raises CalledProcessError when it fails."""
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.environment, check=True, capture_output=True, text=True).stdout

    @contextmanager
    def worker(self, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
        """A worker process, killed at the end if it still runs. Its log is `worker.log`."""
        with (self.folder / "worker.log").open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, "manage.py", "runworker"], cwd=ROOT, env={**self.environment, **environment}, stderr=log
            )
            try:
                yield worker
            finally:
                if worker.poll() is None:
                    worker.send_signal(signal.SIGKILL)
                worker.wait()

    def log(self) -> str:
        """What the workers have logged."""
        return (self.folder / "worker.log").read_text(errors="replace")

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement on the installation's database and give its rows."""
        if self.url.startswith("sqlite"):
            with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"), timeout=20, autocommit=True)) as connection:
                return connection.execute(statement).fetchall()
        with psycopg.connect(self.url, autocommit=True) as database:
            cursor = database.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def number(self, statement: str) -> int:
        """The one number that a query gives."""
        ((value,),) = self.sql(statement)
        return int(value or 0)


def wait_until(condition: Callable[[], object], *, seconds: float) -> None:
    """Poll until the condition holds. Raises AssertionError after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"nothing after {seconds} s"
        time.sleep(0.05)


@pytest.fixture
def database_url(tmp_path: Path) -> Iterator[str]:
    """A new, empty database of the kind that the tests use."""
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        yield f"sqlite:///{tmp_path / 'db.sqlite3'}"
        return
    server, name = os.environ["DATABASE_URL"].rsplit("/", 1)[0], f"faults_{uuid4().hex}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
        yield f"{server}/{name}"
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def installation(tmp_path: Path, database_url: str, temporal_server: str) -> Installation:
    """An installation with its tables made."""
    installation = Installation(folder=tmp_path, url=database_url, address=temporal_server)
    installation.manage("migrate", "--verbosity=0")
    return installation
