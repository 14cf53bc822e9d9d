"""The web process as production starts it, and its API as a program outside sees it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.client import RemoteDisconnected
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from apps.development.ports import free_port
from tests.installation import PATIENCE, Installation, wait_until


class Api:
    """Calls the API of a web process on this port, as the owner of the token."""

    def __init__(self, port: int, token: str) -> None:
        self.address, self.token = f"http://127.0.0.1:{port}", token

    def call(self, path: str, payload: dict[str, Any] | None = None) -> dict[str, Any]:
        """POST a payload, or GET without one. Raises HTTPError for an answer that is an error."""
        request = Request(f"{self.address}/api/v1{path}", headers={"Authorization": f"Bearer {self.token}"})  # noqa: S310  our own address
        if payload is not None:
            request.data, request.headers["Content-type"] = json.dumps(payload).encode(), "application/json"
        with urlopen(request, timeout=PATIENCE) as response:  # noqa: S310  as above
            answer: dict[str, Any] = json.load(response)
            return answer

    def probe(self, name: str) -> int:
        """What /health/<name> answers, 0 while nobody does."""
        return status(f"{self.address}/health/{name}")

    def ask(self, path: str) -> dict[str, Any]:
        """GET until Temporal can be asked: the API says 503 when the server was silent for some seconds."""
        answers: list[dict[str, Any]] = []

        def answered() -> bool:
            try:
                answers.append(self.call(path))
            except HTTPError as error:
                with error:
                    if error.code != HTTPStatus.SERVICE_UNAVAILABLE:
                        raise
            return bool(answers)

        wait_until(answered)
        return answers[0]

    def wait_for_end(self, path: str) -> dict[str, Any]:
        """Ask until the execution is over."""
        wait_until(lambda: self.ask(path)["status"] not in {"pending", "running"})
        return self.ask(path)


def status(address: str) -> int:
    """The status of the answer, 0 while nobody answers."""
    try:
        return fetch(address)[0]
    except URLError:
        return 0


def fetch(address: str) -> tuple[int, str]:
    """Status and body of the answer, good or bad. Raises URLError while nobody answers."""
    try:
        with urlopen(address, timeout=PATIENCE) as response:  # noqa: S310  our own address
            return response.status, response.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except RemoteDisconnected:
        # A worker leaves who has not asked within 5 s.
        return fetch(address)


@contextmanager
def serving(installation: Installation) -> Iterator[Api]:
    """A web process of the installation. Its log is `web.log`."""
    installation.environment["DJANGO_SUPERUSER_PASSWORD"] = "a-long-passphrase-for-tests"
    installation.manage("createsuperuser", "--noinput", "--email", "staff@example.com")
    api = Api(free_port(), installation.manage("createtoken", "staff@example.com").splitlines()[-1])
    port = api.address.rpartition(":")[2]
    options = ["--interface", "asgi", "--port", port]
    with installation.process("-m", "granian", *options, "config.asgi:application", log="web.log", WEB_THREADS="4") as web:
        wait_until(lambda: api.probe("live") == 200)
        try:
            yield api
        finally:
            # Not left to be killed: its own workers would go on.
            web.terminate()
            web.wait(PATIENCE)


@pytest.fixture
def api(installation: Installation) -> Iterator[Api]:
    """The API of an installation."""
    with serving(installation) as api:
        yield api
