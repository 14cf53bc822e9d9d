"""A rendered project as its user has it: its commands, its processes and its HTTP API. For demo.py."""

import json
import os
import runpy
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

# What `make` and the template's own environment put there, and what would point the project to other servers.
NOT_INHERITED = (
    "ARGS",
    "DJANGO_",
    "DATABASE_URL",
    "EMAIL_URL",
    "MAKE",
    "MFLAGS",
    "MYPY_",
    "PYTHON",
    "RUFF_",
    "TEMPORAL_",
    "UV_PROJECT",
    "VIRTUAL_ENV",
)
START_SECONDS = 300
STOP_SECONDS = 180
AGAIN_SECONDS = 120
# Of what a failed command printed: enough for the summary of a test run, which names what failed.
SHOWN_LINES = 60
# The project's own way to a port, for whoever has no project installed.
PORTS = Path(__file__).parents[1] / "<<cookiecutter.project_slug>>/apps/development/ports.py"


class DemoError(Exception):
    """Something did not work. The text is one sentence for the person who waits."""


class Project:
    """Runs commands in a project's folder, in an environment that knows nothing of the template's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)}

    def run(self, *command: str) -> str:
        """Give what a command printed. Raises DemoError when it fails."""
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print("\n".join([*done.stdout.splitlines(), *done.stderr.splitlines()][-SHOWN_LINES:]))
            raise DemoError(f"`{' '.join(command)}` failed in {self.folder}: see above.")
        return done.stdout.rstrip()

    def manage(self, *command: str) -> str:
        """Run one of the project's management commands."""
        return self.run("sh", "bin/uv", "run", "python", "manage.py", *command)

    def mails_written(self) -> int:
        """How many mails lie in the folder that stands in for a mail server."""
        files = (self.folder / "var" / "mail").glob("*.log")
        return sum(line.startswith("Subject: ") for file in files for line in file.read_text(encoding="utf-8").splitlines())


class Server:
    """`make dev` of a project, in the background; its output goes to a file."""

    def __init__(self, project: Project, *, web_port: int, temporal_port: int, ui_port: int) -> None:
        self.address, self.ui_address = f"http://localhost:{web_port}", f"http://localhost:{ui_port}"
        self.log = project.folder / "var" / "dev.log"
        ports = f"--web-port {web_port} --temporal-port {temporal_port} --ui-port {ui_port}"
        with self.log.open("w", encoding="utf-8") as output:
            # A session of its own: a Ctrl-C here must not reach it, `stop` does that.
            self.process = subprocess.Popen(
                ["make", "dev", f"ARGS={ports}"],
                cwd=project.folder,
                env=project.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_ready(self, seconds: float = START_SECONDS) -> None:
        """Return once web, database and Temporal answer. Raises DemoError when that takes too long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.address}/health/ready", timeout=5) as answer:
                    if json.load(answer) == {"database": "ok", "temporal": "ok"}:
                        return
            except OSError:
                pass
            time.sleep(0.2)
        print("\n".join(self.log.read_text(encoding="utf-8").splitlines()[-20:]))
        raise DemoError("`make dev` did not get ready: its last lines are above.")

    def stop(self) -> None:
        """End it as Ctrl-C does and wait for it. Raises DemoError when it has to be killed."""
        if self.process.poll() is not None:
            return
        os.killpg(self.process.pid, signal.SIGINT)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise DemoError(f"`make dev` did not stop within {STOP_SECONDS} s of Ctrl-C and was killed.") from None


class Api:
    """The project's HTTP API."""

    def __init__(self, address: str, token: str) -> None:
        self.root, self.token = f"{address}/api/v1", token

    def get(self, path: str) -> dict[str, Any]:
        """GET. Raises DemoError for any answer but a good one."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST a JSON body. Raises DemoError for any answer but a good one."""
        return self._ask("POST", path, json.dumps(body).encode())

    def _ask(self, method: str, path: str, body: bytes | None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.root + path, data=body, headers=headers, method=method)
        deadline = time.monotonic() + AGAIN_SECONDS
        while True:
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    found: dict[str, Any] = json.load(answer)
                    return found
            except urllib.error.HTTPError as error:
                # The project could not ask Temporal within some seconds, and says when to ask again.
                if (seconds := error.headers["Retry-After"]) and time.monotonic() < deadline:
                    time.sleep(int(seconds))
                    continue
                raise DemoError(
                    f"{method} {request.full_url} was answered with {error.code}: {error.read().decode()[:300]}"
                ) from None
            except OSError as error:
                raise DemoError(f"{method} {request.full_url} was not answered: {error}.") from None


def free_ports(count: int) -> list[int]:
    """Ports of the loopback interface that nothing uses, and that no other program is given within the next minute."""
    free_port = runpy.run_path(str(PORTS))["free_port"]
    return [free_port() for _ in range(count)]
