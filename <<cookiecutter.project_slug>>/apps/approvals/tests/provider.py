"""A signature provider on this machine: it answers as the real ones do, in the shapes that their documentation shows."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Provider(ThreadingHTTPServer):
    """`calls` are what it was asked: method, path, headers, content. `failures` are the statuses that it answers with first."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.calls: list[tuple[str, str, dict[str, str], Any]] = []
        self.failures: list[int] = []
        self.url = f"http://127.0.0.1:{self.server_port}"

    def paths(self) -> list[str]:
        """What was asked, in its order."""
        return [f"{method} {path}" for method, path, _, _ in self.calls]


class _Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_POST(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"null")
        self.server.calls.append((self.command, self.path, dict(self.headers), content))
        status = self.server.failures.pop(0) if self.server.failures else 201
        body = json.dumps(self._answer(content)).encode() if status < 300 else b"{}"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PATCH = do_DELETE = do_POST  # noqa: N815  the names that the library calls

    def _answer(self, content: Any) -> Any:
        if self.command == "DELETE":
            return {}
        if self.path == "/docs/":
            signers = [
                {"email": each["email"], "status": "new", "sign_url": f"https://app.example.com/verificar/{each['email']}"}
                for each in content["signers"]
            ]
            return {"token": "zap-1", "status": "pending", "external_id": content["external_id"], "signers": signers}
        kind = content["data"]["type"]
        return {"data": {"id": f"{kind}-{self.server.paths().count(f'{self.command} {self.path}')}", "type": kind}}

    def log_message(self, *_: Any) -> None:
        """Quietly."""


@contextmanager
def provider() -> Iterator[Provider]:
    """It runs until the end of the block."""
    with Provider() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield running
        finally:
            running.shutdown()
            thread.join()
