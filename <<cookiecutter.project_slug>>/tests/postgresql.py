"""A PostgreSQL of the test's own, which can be stopped and started."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest
from django.conf import settings

from apps.development.ports import free_port

PATIENCE = "--timeout=300"


class PostgreSQL:
    """Runs from the given programs in a folder of its own. `url` is its database."""

    def __init__(self, programs: Path, folder: str) -> None:
        self.programs, self.folder, self.runs = programs, folder, False
        # It refuses to run as root.
        self.user = "nobody" if os.geteuid() == 0 else None
        if self.user:
            shutil.chown(folder, self.user)
        self._run("initdb", "--username=postgres", "--auth=trust", "--no-locale", "--encoding=UTF8", "--no-sync")
        self.port = free_port()
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> Self:
        """Start it and wait until it answers."""
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        self._run("pg_ctl", "start", "--wait", PATIENCE, "--silent", "--log", f"{self.folder}/log", "--options", options)
        self.runs = True
        return self

    def stop(self) -> None:
        """Stop it as a crash would: no connection is asked. Nothing happens when it does not run."""
        if self.runs:
            self._run("pg_ctl", "stop", "--mode=immediate", PATIENCE, "--silent")
        self.runs = False

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.programs / program), "--pgdata", f"{self.folder}/data", *arguments]
        subprocess.run(command, user=self.user, cwd=self.folder, check=True, stdout=subprocess.DEVNULL)


@pytest.fixture
def postgresql() -> Iterator[PostgreSQL]:
    """A running one. Skips the test where PostgreSQL is not installed, and where the tests run on another database."""
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        pytest.skip("SQLite has no server that could be stopped")
    installed = map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if (found := shutil.which("initdb") or max(installed, default=None)) is None:
        pytest.skip("PostgreSQL is not installed here: no initdb on PATH or in /usr/lib/postgresql")
    with tempfile.TemporaryDirectory(prefix="postgresql-") as folder:
        server = PostgreSQL(Path(found).resolve().parent, folder).start()
        try:
            yield server
        finally:
            server.stop()
