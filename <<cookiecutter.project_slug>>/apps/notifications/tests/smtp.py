"""A mail server for tests: it takes mails over SMTP and keeps them, or answers with the codes that it is given."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class MailServer(socketserver.ThreadingTCPServer):
    """`codes` are answers in place of the usual one, by command: {"RCPT": 550}. `mails` is what it took."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.codes: dict[str, int] = {}
        self.mails: list[str] = []

    def mailers(self) -> dict[str, Any]:
        """Django's MAILERS for this server."""
        return mailers(int(self.server_address[1]))


def mailers(port: int) -> dict[str, Any]:
    """Django's MAILERS for a server on this machine."""
    options = {"host": "127.0.0.1", "port": port, "timeout": 60}
    return {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": options}}


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """A server that runs."""
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class _Session(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self._say(220)
        while command := self.rfile.readline().decode().strip():
            verb = command[:4].upper()
            if verb == "DATA":
                self._say(354)
                self._take()
            else:
                self._say(self.server.codes.get(verb, 221 if verb == "QUIT" else 250))

    def _take(self) -> None:
        lines = iter(self.rfile.readline, b".\r\n")
        mail = b"".join(lines).decode()
        code = self.server.codes.get("DATA", 250)
        if code == 250:
            self.server.mails.append(mail)
        self._say(code)

    def _say(self, code: int) -> None:
        self.wfile.write(f"{code} as the test wants it\r\n".encode())
