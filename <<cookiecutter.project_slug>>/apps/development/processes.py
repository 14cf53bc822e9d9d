"""Runs what a developer needs in one terminal: Temporal server, worker with reload, web server. For `manage.py dev`."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from apps.development.server import DEV_SERVER_ARGS

STOP_SECONDS = 5.0


class CannotRun(Exception):  # noqa: N818  says what is so, as Django's DoesNotExist does
    """Something that everything else needs is missing. The text says what to do."""


def refuse_used_port(port: int, option: str) -> None:
    """Raises CannotRun when another program listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CannotRun(f"Port {port} cannot be used ({error.strerror}): choose another one with {option}.") from None


class Processes:
    """Child processes, each in a session of its own, so that a Ctrl-C in the terminal reaches only their parent."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.stop = threading.Event()
        self.worker: subprocess.Popen[bytes] | None = None
        self.draining: list[subprocess.Popen[bytes]] = []
        self.syncing: subprocess.Popen[bytes] | None = None
        self.essential: dict[str, subprocess.Popen[bytes]] = {}
        self.interrupts = 0

    def start_server(self, *, port: int, ui_port: int) -> None:
        """Start the embedded Temporal server and wait until it answers. Raises CannotRun when it does not."""
        command = ["-m", "apps.development.server", "--port", str(port), "--ui-port", str(ui_port)]
        command += ["--namespace", settings.TEMPORAL_NAMESPACE, "--database", str(self.root / "temporal.db"), *DEV_SERVER_ARGS]
        server = self._spawn(command, stdout=subprocess.PIPE)
        assert server.stdout is not None
        if server.stdout.readline().strip() != b"ready":
            raise CannotRun("The Temporal server did not start: see the sentence above.")
        self.essential["Temporal server"] = server

    def start_web(self, *, port: int) -> None:
        """Start Django's development server, which reloads by itself."""
        self.essential["web server"] = self._spawn(["manage.py", "runserver", "--skip-checks", f"127.0.0.1:{port}"])

    def start_worker(self) -> None:
        """Start a worker. The one that ran before finishes its activities beside it, and takes no new ones.

        An embedded server gets the schedules as they are declared now; any other one may be somebody else's, too.
        """
        if self.worker is not None and self.worker.poll() is None:
            self.worker.terminate()
            self.draining.append(self.worker)
        self.draining = [worker for worker in self.draining if worker.poll() is None]
        self.worker = self._spawn(["manage.py", "runworker"])
        if "Temporal server" in self.essential:
            self._end_sync()
            self.syncing = self._spawn(["manage.py", "syncschedules"], stdout=subprocess.DEVNULL)

    def watch(self, changes: Callable[[threading.Event], object]) -> str:
        """Reload the worker on each change until told to stop; gives the name of an essential process that ended by itself."""
        threading.Thread(target=self._stop_when_one_ends, daemon=True).start()
        while changes(self.stop) and not self.stop.is_set():
            print("Python files changed: a new worker takes over, the old one finishes what it runs.", flush=True)  # noqa: T201  the terminal is the interface
            self.start_worker()
        return next((name for name, process in self.essential.items() if process.poll() is not None), "")

    def interrupt(self, _signal: int, _frame: object) -> None:
        """Signal handler: the first one stops everything in order, later ones do not wait for running activities."""
        self.interrupts += 1
        self.stop.set()
        if self.interrupts > 1:
            for worker in self._workers():
                worker.kill()

    def close(self) -> None:
        """End all: workers first, since they still need the server to report what they finished."""
        self._end_sync()
        if self.worker is not None and self.worker.poll() is None:
            # Those that drain were told when they were replaced: a second signal would end them at once.
            self.worker.terminate()
        for worker in self._workers():
            self._wait(worker, settings.TEMPORAL_SHUTDOWN_GRACE + STOP_SECONDS)
        for process in reversed(self.essential.values()):
            # The whole session: runserver's reloader has a child of its own.
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
            self._wait(process, STOP_SECONDS)

    def _end_sync(self) -> None:
        if self.syncing is not None:
            self.syncing.terminate()
            self._wait(self.syncing, STOP_SECONDS)

    def _workers(self) -> list[subprocess.Popen[bytes]]:
        return [worker for worker in (*self.draining, self.worker) if worker is not None and worker.poll() is None]

    def _stop_when_one_ends(self) -> None:
        while not self.stop.wait(0.5):
            if any(process.poll() is not None for process in self.essential.values()):
                self.stop.set()

    def _spawn(self, arguments: list[str], stdout: int | None = None) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, *arguments], cwd=self.root, stdout=stdout, start_new_session=True)  # noqa: S603  our own command

    @staticmethod
    def _wait(process: subprocess.Popen[bytes], seconds: float) -> None:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
