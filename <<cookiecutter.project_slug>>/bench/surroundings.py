"""What the bench runs on: a Temporal server and databases of its own. Nothing of the project's is touched."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg

from apps.development.ports import free_port
from apps.development.server import DEV_SERVER_ARGS
from bench.processes import OURS, ROOT

DATABASES = ("postgresql", "sqlite")


@contextmanager
def temporal() -> Iterator[str]:
    """The address of an embedded server, in memory. Raises SystemExit when none can be had."""
    port = free_port()
    command = [sys.executable, "-m", "apps.development.server", "--port", str(port), *DEV_SERVER_ARGS]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603  our own command
        assert server.stdout is not None
        if server.stdout.readline().strip() != "ready":
            raise SystemExit(1)
        try:
            yield f"127.0.0.1:{port}"
        finally:
            server.terminate()


@contextmanager
def databases(folder: Path, project: str, wanted: Sequence[str]) -> Iterator[dict[str, str]]:
    """The URL of an empty, migrated database for each wanted kind that can be had. `project` is the URL of the project's."""
    with ExitStack() as stack:
        urls = {}
        if "postgresql" in wanted:
            server = project if project.startswith("postgres") else stack.enter_context(_private_postgresql(folder))
            if server:
                urls["postgresql"] = stack.enter_context(_new_database(server))
            else:
                print("No PostgreSQL: DATABASE_URL names none and there is no initdb. Its rows are left out.", flush=True)
        if "sqlite" in wanted:
            urls["sqlite"] = f"sqlite:///{folder / 'bench.sqlite3'}"
        for url in urls.values():
            command = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
            subprocess.run(command, cwd=ROOT, env=environment(url), check=True)  # noqa: S603  our own command
        yield urls


def environment(database: str, address: str = "127.0.0.1:9") -> dict[str, str]:
    """What the bench's processes see."""
    return {
        **os.environ,
        "DATABASE_URL": database,
        "DJANGO_SETTINGS_MODULE": "bench.settings",
        "TEMPORAL_ACTIVITY_SLOTS": "20",
        "TEMPORAL_ADDRESS": address,
        "TEMPORAL_NAMESPACE": "default",
        "TEMPORAL_TASK_QUEUE": OURS,
    }


@contextmanager
def _new_database(url: str) -> Iterator[str]:
    """A database of our own on that server: what the project has is left alone."""
    name, server = f"bench_{uuid4().hex}", urlsplit(url)
    with psycopg.connect(server._replace(path="/postgres").geturl(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
        try:
            yield server._replace(path=f"/{name}").geturl()
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@contextmanager
def _private_postgresql(folder: Path) -> Iterator[str]:
    """A PostgreSQL with its default settings where its programs are found, else an empty text."""
    places = [os.environ["PATH"], *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True))]
    initdb = shutil.which("initdb", path=os.pathsep.join(places))
    if initdb is None:
        yield ""
        return
    data = folder / "postgresql"
    data.mkdir()
    # PostgreSQL refuses to run as root.
    other: dict[str, Any] = {"user": "nobody", "extra_groups": []} if os.geteuid() == 0 else {}
    if other:
        folder.chmod(0o755)
        shutil.chown(data, "nobody")

    def run(program: str, *arguments: str) -> None:
        command = [str(Path(initdb).with_name(program)), "-D", str(data), *arguments]
        subprocess.run(command, cwd=data, check=True, stdout=subprocess.DEVNULL, **other)  # noqa: S603  our own command

    run("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C")
    port = free_port()
    run("pg_ctl", "start", "-w", "-t", "300", "-l", str(data / "log"), "-o", f"-p {port} -k '' -c listen_addresses=127.0.0.1")
    try:
        yield f"postgres://postgres@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "stop", "-m", "fast")
