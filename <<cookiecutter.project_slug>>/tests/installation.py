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
