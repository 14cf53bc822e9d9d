"""`manage.py dev`: everything a developer needs, in one terminal."""

import os
import signal
import threading
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.development.processes import CannotRun, Processes, refuse_used_port


class Command(BaseCommand):
    """Run the development environment."""

    help = "Run Temporal, worker and web server until Ctrl-C. TEMPORAL_ADDRESS names a Temporal server of your own."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the ports."""
        parser.add_argument("--web-port", type=int, default=8000, help="default: %(default)s")
        parser.add_argument("--temporal-port", type=int, default=7233, help="default: %(default)s")
        parser.add_argument("--ui-port", type=int, default=8233, help="default: %(default)s")

    def handle(self, *, web_port: int, temporal_port: int, ui_port: int, **options: Any) -> None:
        """Start all, wait, stop all. Raises CommandError when something that is needed cannot be had."""
        try:
            from watchfiles import watch  # noqa: PLC0415  a development dependency
        except ImportError as error:
            raise CommandError("`manage.py dev` needs the development dependencies: run `uv sync`.") from error
        processes = Processes(settings.BASE_DIR)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, processes.interrupt)

        def changes(stop: threading.Event) -> object:
            # Ends with the first change. Tests do not concern a worker.
            folders = [settings.BASE_DIR / "apps", settings.BASE_DIR / "config"]
            return next(watch(*folders, watch_filter=_is_code, stop_event=stop, raise_interrupt=False), None)

        try:
            self._start(processes, web_port=web_port, temporal_port=temporal_port, ui_port=ui_port)
            ended = processes.watch(changes)
        except CannotRun as error:
            raise CommandError(str(error)) from error
        finally:
            self.stdout.write("Stopping: running activities are finished first. Ctrl-C again does not wait for them.")
            processes.close()
        if ended and not processes.interrupts:
            raise CommandError(f"The {ended} ended by itself: see its last lines above.")
        self.stdout.write("All stopped.")

    def _start(self, processes: Processes, *, web_port: int, temporal_port: int, ui_port: int) -> None:
        refuse_used_port(web_port, "--web-port")
        if "TEMPORAL_ADDRESS" not in os.environ:
            refuse_used_port(temporal_port, "--temporal-port")
            refuse_used_port(ui_port, "--ui-port")
            processes.start_server(port=temporal_port, ui_port=ui_port)
            # For the worker and the web server, which inherit them.
            os.environ["TEMPORAL_ADDRESS"] = f"127.0.0.1:{temporal_port}"
            # A key for another server, in .env say, would turn TLS on.
            os.environ["TEMPORAL_TLS"] = "false"
            os.environ["TEMPORAL_UI_URL"] = f"http://localhost:{ui_port}"
        os.environ.setdefault("DJANGO_RUNSERVER_HIDE_WARNING", "true")
        call_command("migrate", verbosity=0)
        processes.start_worker()
        processes.start_web(port=web_port)
        self.stdout.write(
            f"\n  Web          http://localhost:{web_port}\n"
            f"  Temporal UI  {os.environ.get('TEMPORAL_UI_URL', settings.TEMPORAL_UI_URL)}\n"
            f"  Temporal     {os.environ['TEMPORAL_ADDRESS']}\n\n"
        )


def _is_code(_change: object, path: str) -> bool:
    return path.endswith(".py") and "tests" not in Path(path).parts
