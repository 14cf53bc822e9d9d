"""An installation of the project for tests that kill its processes: a database, a queue and a mail folder of its own."""

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings

ROOT = Path(__file__).resolve().parents[1]
# In seconds. A busy machine may stand still for some of them at any time; only a test that fails waits for their end.
PATIENCE = 180.0


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
    def process(self, *arguments: str, log: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
        """A Python process of the project with that log file, killed at the end if it still runs."""
        with (self.folder / log).open("ab") as file:
            command = [sys.executable, *arguments]
            process = subprocess.Popen(command, cwd=ROOT, env={**self.environment, **environment}, stdout=file, stderr=file)
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()
                process.wait()

    @contextmanager
    def worker(self, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
        """A worker process."""
        with self.process("manage.py", "runworker", log="worker.log", **environment) as worker:
            yield worker

    def wait_for_workers(self, number: int = 1) -> None:
        """Wait until so many workers have started."""
        wait_until(lambda: self.log().count("worker_started") >= number)

    def log(self) -> str:
        """What the workers have logged."""
        return (self.folder / "worker.log").read_text(errors="replace")

    def mails_written(self) -> int:
        """How many mails were sent. Two of one second may be in one file."""
        return sum(file.read_bytes().count(b"\nMessage-ID: ") for file in self.mails.iterdir())

    def import_users(self, names: Iterable[str]) -> None:
        """Make an account for each name: 0@example.com, 1@example.com …"""
        table = self.folder / "users.csv"
        table.write_text("email,name\n" + "".join(f"{n}@example.com,{name}\n" for n, name in enumerate(names)))
        self.manage("importusers", str(table))

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement on the installation's database and give its rows."""
        if self.url.startswith("sqlite"):
            with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"), timeout=120, autocommit=True)) as connection:
                return connection.execute(statement).fetchall()
        with psycopg.connect(self.url, autocommit=True) as database:
            cursor = database.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def number(self, statement: str) -> int:
        """The one number that a query gives."""
        ((value,),) = self.sql(statement)
        return int(value or 0)


def wait_until(condition: Callable[[], object], *, seconds: float = PATIENCE) -> None:
    """Poll until the condition holds. Raises AssertionError when it does not at a look that began after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        last = time.monotonic() > deadline
        if condition():
            return
        assert not last, f"nothing after {seconds} s"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database with its tables made, of the kind that the tests use: a file, or the name of one on the tests' server."""
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        migrate(f"sqlite:///{(file := tmp_path_factory.mktemp('migrated') / 'db.sqlite3')}")
        yield str(file)
        return
    # Of that one nobody is ever connected.
    with new_database("template0") as name:
        migrate(f"{database_server()}/{name}")
        yield name


@pytest.fixture
def database_url(tmp_path: Path, migrated_database: str) -> Iterator[str]:
    """A new database with its tables made, of the kind that the tests use."""
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        yield f"sqlite:///{shutil.copy(migrated_database, tmp_path / 'db.sqlite3')}"
        return
    with new_database(migrated_database) as name:
        yield f"{database_server()}/{name}"


@pytest.fixture
def installation(tmp_path: Path, database_url: str, temporal_server: str) -> Installation:
    """An installation with its tables made."""
    installation = Installation(folder=tmp_path, url=database_url, address=temporal_server)
    # All installations share one server, which starts the onboarding of an account's id once.
    first = uuid4().int % 10**9
    if database_url.startswith("sqlite"):
        installation.sql(f"INSERT INTO sqlite_sequence (name, seq) VALUES ('users_user', {first})")  # noqa: S608  our own number
    else:
        installation.sql(f"SELECT setval('users_user_id_seq', {first})")
    return installation


def migrate(url: str) -> None:
    """Make the tables of a database."""
    environment = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.slowly.settings"}
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity=0"], cwd=ROOT, env=environment, check=True)


def database_server() -> str:
    """The address of the PostgreSQL that the tests use."""
    return os.environ["DATABASE_URL"].rsplit("/", 1)[0]


@contextmanager
def new_database(template: str) -> Iterator[str]:
    """The name of a copy of that database, dropped at the end."""
    name = f"faults_{uuid4().hex}"
    administer(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield name
    administer(f"DROP DATABASE {name} WITH (FORCE)")


def administer(statement: str) -> None:
    """Run a statement about a database once nobody is connected to it any more.

    A process that has ended leaves its connection to the server for a moment, for which the server itself waits 5 s.
    """

    def done() -> bool:
        with psycopg.connect(f"{database_server()}/postgres", autocommit=True) as admin, suppress(psycopg.errors.ObjectInUse):
            admin.execute(statement.encode())
            return True
        return False

    wait_until(done)
