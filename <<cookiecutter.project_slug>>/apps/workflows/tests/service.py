"""A service on this machine for tests: it keeps what it is asked, and answers as it is told."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import urllib3

from apps.development.testing import PATIENCE
from apps.notifications import webhooks
from apps.workflows.kinds import outside


@dataclass(frozen=True)
class Asked:
    """What the service was asked. The names of headers are in small letters."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


type Answer = tuple[int, str, bytes]


class Service(ThreadingHTTPServer):
    """`answer` gives status, media type and body; `calls` are what was asked, in its order."""

    daemon_threads = True

    def __init__(self, answer: Callable[[Asked], Answer]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer, self.calls = answer, list[Asked]()
        self.url = f"http://127.0.0.1:{self.server_port}"

    @property
    def asked(self) -> list[str]:
        """Method and path of each call, without what is asked for."""
        return [f"{call.method} {call.path.partition('?')[0]}" for call in self.calls]


@contextmanager
def service(answer: Callable[[Asked], Answer]) -> Iterator[Service]:
    """One that runs until the end of the block."""
    with patience(), Service(answer) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@contextmanager
def patience() -> Iterator[None]:
    """Have steps wait for what this process answers: where the machine stands still, it is late and not away."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(webhooks, "PATIENCE", PATIENCE)
        patch.setattr(webhooks, "LONGEST", PATIENCE)
        patch.setattr(outside, "TIMEOUT", urllib3.Timeout(PATIENCE))
        yield


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = Asked(self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        self.server.calls.append(asked)
        status, media_type, content = self.server.answer(asked)
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815  the names that the library calls

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
