"""The default project, used as its README says: set up, checked, tested and run, on both databases."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import Rendered
from tests.processes import family, listed, wait_until
from tools.project import Project, Server, free_ports

SERVERS = ("TEMPORAL_CLI", "TEMPORAL_TEST_SERVER")
LINES_SHOWN = 100


def copied(rendered: Rendered, folder: Path) -> Project:
    """A copy of the default project under git, as its user has it after the first commit."""
    project = Project(shutil.copytree(rendered("cookiecutter", "default"), folder))
    project.environment |= {name: os.environ[name] for name in SERVERS if os.environ.get(name)}
    project.environment |= {"GIT_CONFIG_GLOBAL": os.devnull}
    project.run("git", "init", "--quiet", "--initial-branch", "main")
    project.run("git", "add", "--all")
    project.run("git", "-c", "user.name=ada", "-c", "user.email=ada@example.com", "commit", "--quiet", "--message", "Start")
    return project


@pytest.fixture(scope="module")
def project(rendered: Rendered, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return copied(rendered, tmp_path_factory.mktemp("default") / "my_project")


def initdb() -> str | None:
    """Where PostgreSQL is installed, if it is."""
    folders = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")), reverse=True)
    return shutil.which("initdb") or next(iter(folders), None)


@contextmanager
def postgresql() -> Iterator[str]:
    """The address of a PostgreSQL of its own."""
    found = initdb()
    assert found is not None
    programs = Path(found).resolve().parent
    # It refuses to run as root.
    user = "nobody" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="kairon-postgresql-") as folder:
        if user:
            shutil.chown(folder, user)

        def run(program: str, *arguments: str) -> None:
            command = [str(programs / program), "--pgdata", f"{folder}/data", *arguments]
            subprocess.run(command, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)

        run("initdb", "--username=postgres", "--auth=trust", "--no-locale", "--encoding=UTF8", "--no-sync")
        (port,) = free_ports(1)
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        run("pg_ctl", "start", "--wait", "--timeout=300", "--silent", "--log", f"{folder}/log", "--options", options)
        try:
            yield f"postgres://postgres@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "stop", "--mode=immediate", "--timeout=300", "--silent")


@contextmanager
def under_way(project: Project, *command: str) -> Iterator[Callable[[], None]]:
    """A command that runs meanwhile, and what waits for its end and fails when it did."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        process = subprocess.Popen(
            command, cwd=project.folder, env=project.environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )

        def succeed() -> None:
            code = process.wait()
            output.seek(0)
            assert code == 0, "\n".join(output.read().splitlines()[-LINES_SHOWN:])

        try:
            yield succeed
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@pytest.fixture(scope="module")
def on_postgresql(rendered: Rendered, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], None] | None]:
    """The project's tests on PostgreSQL, in a copy, beside those on SQLite: what they do most is wait."""
    if initdb() is None:
        yield None
        return
    project = copied(rendered, tmp_path_factory.mktemp("on_postgresql") / "my_project")
    with postgresql() as address:
        project.environment["DATABASE_URL"] = address
        with under_way(project, "make", "test") as succeed:
            yield succeed


@pytest.mark.usefixtures("on_postgresql")
def test_checks_and_tests_pass_from_nothing(project: Project) -> None:
    project.run("make", "check", "test")

    assert untracked(project) == ["uv.lock"]


def test_tests_pass_on_postgresql(on_postgresql: Callable[[], None] | None) -> None:
    if on_postgresql is None:
        pytest.skip("PostgreSQL is not installed here: no initdb on PATH or in /usr/lib/postgresql")
    on_postgresql()


def test_checks_and_tests_pass_with_the_lowest_versions_that_are_declared(rendered: Rendered, tmp_path: Path) -> None:
    project = copied(rendered, tmp_path / "my_project")
    project.environment["UV_RESOLUTION"] = "lowest-direct"

    project.run("make", "check")
    project.run("make", "test", "ARGS=apps")

    assert 'resolution-mode = "lowest-direct"' in (project.folder / "uv.lock").read_text()


def test_hooks_check_every_commit(project: Project, tmp_path: Path) -> None:
    project.environment["PRE_COMMIT_HOME"] = str(tmp_path)
    project.run("make", "hooks")
    (project.folder / "apps/untidy.py").write_text("import os\n")
    project.run("git", "add", "apps/untidy.py")
    commit = ["git", "-c", "user.name=ada", "-c", "user.email=ada@example.com", "commit", "--message", "Untidy"]

    refused = subprocess.run(commit, cwd=project.folder, env=project.environment, capture_output=True, text=True, check=False)
    project.run("git", "rm", "--quiet", "--force", "apps/untidy.py")

    assert refused.returncode != 0
    assert "ruff check" in refused.stderr
    project.run("sh", "bin/uv", "run", "pre-commit", "run", "--all-files")


def test_every_command_is_listed_and_every_listed_command_is_there(project: Project) -> None:
    targets = set(re.findall(r"^([a-z]+):", (project.folder / "Makefile").read_text(), re.MULTILINE))

    shown = set(re.findall(r"^  make ([a-z]+)", project.run("make"), re.MULTILINE))

    assert shown == targets
    pages = [project.folder / "README.md", *(project.folder / "docs").glob("*.md")]
    said = {name for page in pages for name in re.findall(r"(?:^|`)make ([a-z]+)", page.read_text(), re.MULTILINE)}
    assert said <= targets


def test_requirements_are_written_for_tools_without_uv(project: Project) -> None:
    project.run("make", "requirements")

    written = (project.folder / "requirements.txt").read_text()
    (project.folder / "requirements.txt").unlink()
    assert re.search(r"^django==6\.1", written, re.MULTILINE)
    assert "pytest==" not in written


def test_make_dev_runs_in_an_empty_home_without_uv_and_ctrl_c_ends_all_of_it(rendered: Rendered, tmp_path: Path) -> None:
    project = copied(rendered, tmp_path / "my_project")
    (tmp_path / "home").mkdir()
    without_uv = [folder for folder in os.environ["PATH"].split(os.pathsep) if not (Path(folder) / "uv").exists()]
    project.environment |= {"HOME": str(tmp_path / "home"), "PATH": os.pathsep.join(without_uv)}
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME", "UV_CACHE_DIR"):
        project.environment.pop(name, None)
    (project.folder / "var").mkdir()
    ports = free_ports(3)

    server = Server(project, web_port=ports[0], temporal_port=ports[1], ui_port=ports[2])
    try:
        server.wait_until_ready(seconds=1800)
        processes = family(server.process.pid)
    finally:
        server.stop()

    assert len(processes) > 4
    wait_until(lambda: not processes & {pid for pid, _, _ in listed()})
    assert [port for port in ports if is_open(port)] == []
    output = server.log.read_text()
    assert "All stopped." in output
    assert all(str(port) in output for port in ports)


def untracked(project: Project) -> list[str]:
    """What git would add."""
    return [line[3:] for line in project.run("git", "status", "--porcelain").splitlines()]


def is_open(port: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
