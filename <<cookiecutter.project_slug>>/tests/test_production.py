"""The production server really started: what arrives at a browser."""

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from email.message import Message
from pathlib import Path
from typing import NamedTuple

import pytest

from apps.development.ports import free_port
from tests.installation import PATIENCE, wait_until

ROOT = Path(__file__).resolve().parents[1]
HOST = "shop.example.com"
THROUGH_PROXY = {"Host": HOST, "X-Forwarded-Proto": "https"}
# Collected files go to a folder of the test's own.
SETTINGS = "from config.settings.production import *\nSTATIC_ROOT = {folder!r}\n"


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Message
    text: str


class Server:
    """A running server."""

    def __init__(self, port: int) -> None:
        self.port = port

    def get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        """Ask for a page, as a proxy with TLS would. Redirects are not followed."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)) as connection:
            connection.request("GET", path, headers=THROUGH_PROXY if headers is None else headers)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read().decode(errors="replace"))


@pytest.fixture(scope="module", params=["asgi", "wsgi"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server as the container starts it, on a database and with static files of its own."""
    folder = tmp_path_factory.mktemp("production")
    (folder / "production_here.py").write_text(SETTINGS.format(folder=str(folder / "static")))
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "production_here",
        "PYTHONPATH": str(folder),
        "DJANGO_SECRET_KEY": "only-for-this-test-0123456789-abcdefghijklmnopqrstuvwxyz",
        "SITE_DOMAIN": HOST,
        "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
        "TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}",
        "GRANIAN_BLOCKING_THREADS": "2" if request.param == "wsgi" else "1",
        "WEB_THREADS": "2",
    }
    for command in (["migrate", "-v0"], ["collectstatic", "--noinput", "-v0"]):
        subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=environment, check=True)
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "granian",
        "--interface",
        request.param,
        "--port",
        str(port),
        f"config.{request.param}:application",
    ]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        started = Server(port)
        try:
            wait_until_live(started, process)
            yield started
        finally:
            process.terminate()
        assert process.wait(PATIENCE) == 0


def wait_until_live(server: Server, process: subprocess.Popen[bytes]) -> None:
    """Ask until the server answers. Fails when it ends or takes longer than PATIENCE."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if server.get("/health/live", {}).status == 200:
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail("The production server did not start.")


def test_pages_carry_the_headers_that_protect_them(server: Server) -> None:
    headers = server.get("/").headers

    assert headers["Strict-Transport-Security"] == "max-age=3600; includeSubDomains; preload"
    assert headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_plain_http_is_redirected_and_other_hosts_are_refused(server: Server) -> None:
    redirected = server.get("/accounts/login/", {"Host": HOST})

    assert (redirected.status, redirected.headers["Location"]) == (301, f"https://{HOST}/accounts/login/")
    assert server.get("/", THROUGH_PROXY | {"Host": "evil.example.org"}).status == 400


def test_probes_are_answered_by_address_over_plain_http(server: Server) -> None:
    def ready() -> bool:
        answer = server.get("/health/ready", {})
        return answer.status == 200 and '"database": "ok"' in answer.text

    # The database has 2 s to answer.
    wait_until(ready)


def test_cookies_are_kept_to_this_host_and_to_tls(server: Server) -> None:
    cookie = server.get("/accounts/login/").headers["Set-Cookie"]

    assert cookie.startswith("__Host-csrftoken=")
    assert "Secure" in cookie
    assert "Domain" not in cookie


def test_a_body_is_read_to_its_end(server: Server) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)) as connection:
        connection.request("POST", "/api/v1/executions", b"a" * 1_000_000 + b"\0", THROUGH_PROXY)
        answer = connection.getresponse()

        assert (answer.status, b"NUL character" in answer.read()) == (400, True)


def test_static_files_are_served_compressed_and_for_ever(server: Server) -> None:
    address = server.get("/").text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    response = server.get(address, THROUGH_PROXY | {"Accept-Encoding": "gzip"})

    assert response.status == 200
    assert response.headers["Content-Encoding"] == "gzip"
    assert "immutable" in response.headers["Cache-Control"]


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/api/v1/docs"])
def test_pages_open(server: Server, path: str) -> None:
    assert server.get(path).status == 200


def test_an_unknown_address_gets_our_page_and_nothing_of_the_inside(server: Server) -> None:
    response = server.get("/nothing")

    assert response.status == 404
    assert "urlpatterns" not in response.text
