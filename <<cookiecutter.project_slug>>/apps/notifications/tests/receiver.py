"""The receiver of webhooks for tests: it keeps what it is sent and answers as it is told."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from apps.notifications import webhooks

SECRET = "whsec_" + "c2VjcmV0IG9mIHRoZSB0ZXN0cw=="


class Receiver(ThreadingHTTPServer):
    """`status` and `headers` are its answer, given once `may_answer` is set. `calls` are the headers and bodies that came."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status, self.headers = 204, dict[str, str]()
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.calls: list[tuple[dict[str, str], bytes]] = []

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}/hook"


@contextmanager
def receiver(context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver that runs, with TLS where there is a context. Webhooks wait for it, where the machine stands still, too."""
    with Receiver() as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(webhooks, "PATIENCE", 60)
        patch.setattr(webhooks, "LONGEST", 120)
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@contextmanager
def nobody_listens() -> Iterator[int]:
    """A port of this machine where nobody listens, held so that nobody can begin to."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        yield port


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.calls.append(({name.lower(): value for name, value in self.headers.items()}, body))
        if not self.server.may_answer.wait(30):
            return
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
