"""Webhooks alone: signed, sent to public addresses, and never where a redirect or a second look at the name would lead."""

import hashlib
import hmac
import re
import socket
import ssl
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPException
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from apps.notifications import webhooks
from apps.notifications.tests.receiver import SECRET, Receiver, nobody_listens, receiver
from apps.notifications.webhooks import WebhookFailed, WebhookRefused
from apps.temporal.tests.tls import NAME, Authority

DOCUMENTATION = Path(__file__).resolve().parents[3] / "docs" / "notifications.md"
INTERNAL = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.1", "224.0.0.1", "::1", "::",
    "fe80::1", "fd00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",
]  # fmt: skip


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
    """Have names resolve to these addresses, one list after the other."""
    left, real = list(answers), socket.getaddrinfo

    def look_up(host: str, port: int, *more: Any, **options: Any) -> list[Any]:
        if not host.endswith((".com", ".test")):
            return real(host, port, *more, **options)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in left.pop(0)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.fixture
def inside(settings: Settings) -> Iterator[Receiver]:
    """A receiver on this machine, which webhooks may reach."""
    settings.WEBHOOK_ALLOW_INTERNAL = True
    with receiver() as running:
        yield running


def post(url: str) -> None:
    webhooks.post(url, key="notification-1", secret=SECRET, body=b'{"type":"execution.failure"}')


def test_the_receiver_can_tell_who_sent_it_and_when(inside: Receiver) -> None:
    post(inside.url)

    ((headers, body),) = inside.calls
    signed = f"notification-1.{headers['webhook-timestamp']}.".encode() + body
    expected = hmac.new(b64decode(SECRET.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{b64encode(expected).decode()}"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    assert (headers["webhook-id"], body) == ("notification-1", b'{"type":"execution.failure"}')
    assert (headers["content-type"], headers["host"]) == ("application/json", f"127.0.0.1:{inside.port}")


def test_the_documentation_says_how_to_check_it(inside: Receiver) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", DOCUMENTATION.read_text(), re.MULTILINE | re.DOTALL)
    documented: dict[str, Any] = {}
    exec(code, documented)  # noqa: S102  our own page
    post(inside.url)
    ((headers, body),) = inside.calls

    assert documented["is_genuine"](SECRET, headers, body)
    assert not documented["is_genuine"](SECRET, headers, body + b" ")


@pytest.mark.parametrize("address", INTERNAL)
def test_what_is_inside_a_network_is_refused_as_address_and_as_name(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WebhookRefused):
        post(f"https://[{address}]/" if ":" in address else f"https://{address}/")

    resolving(monkeypatch, [address])
    with pytest.raises(WebhookRefused):
        post("https://hook.example.com/")


def test_one_internal_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, ["93.184.215.14", "10.0.0.1"])

    with pytest.raises(WebhookRefused):
        post("https://hook.example.com/")


@pytest.mark.parametrize("written", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1"])
def test_other_ways_to_write_an_internal_address_are_seen_through(written: str) -> None:
    with pytest.raises(WebhookRefused):
        post(f"https://{written}/")


def test_the_name_is_resolved_once_so_that_it_cannot_lead_elsewhere_after_the_look(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    resolving(monkeypatch, ["93.184.215.14"], ["127.0.0.1"])

    def connect(address: tuple[str, int], *_: Any, **__: Any) -> socket.socket:
        asked.append(address)
        raise OSError("no way there")

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(OSError, match="no way there"):
        post("https://hook.example.com/")

    assert asked == [("93.184.215.14", 443)]


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "example.com",
        "",
        "https://",
        "https://me:pass@example.com/",
    ],
)
def test_only_https_without_passwords_is_taken(url: str) -> None:
    with pytest.raises(WebhookRefused):
        post(url)


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 404, 410])
def test_a_receiver_that_redirects_or_refuses_is_not_asked_again(inside: Receiver, status: int) -> None:
    with receiver() as other:
        inside.status, inside.headers = status, {"Location": other.url}
        with pytest.raises(WebhookRefused, match=str(status)):
            post(inside.url)

        assert (len(inside.calls), other.calls) == (1, [])


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 503])
def test_a_receiver_that_cannot_now_may_be_asked_again(inside: Receiver, status: int) -> None:
    inside.status = status

    with pytest.raises(WebhookFailed):
        post(inside.url)


def test_a_receiver_that_is_away_may_be_asked_again(settings: Settings) -> None:
    settings.WEBHOOK_ALLOW_INTERNAL = True

    with nobody_listens() as port, pytest.raises(ConnectionRefusedError):
        post(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("begins", [b"HTTP/1.1 2", b"HTTP/1.1 204 No", b"HTTP/1.1 204 No Content\r\nServer: "])
def test_a_receiver_that_answers_byte_by_byte_is_left(settings: Settings, monkeypatch: pytest.MonkeyPatch, begins: bytes) -> None:
    settings.WEBHOOK_ALLOW_INTERNAL = True
    monkeypatch.setattr(webhooks, "LONGEST", 0.3)
    left = threading.Event()

    def drip(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, suppress(OSError):
            connection.send(begins)
            # Whole after two minutes, for one that does not leave.
            for byte in chain(repeat(b"0", 1200), [b"\r\n\r\n"]):
                if left.wait(0.1):
                    return
                connection.send(byte)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip, args=(listening,))
        thread.start()
        with pytest.raises((HTTPException, OSError)):
            post(f"http://127.0.0.1:{listening.getsockname()[1]}/")
        left.set()
        thread.join()


@pytest.mark.parametrize(("name", "taken"), [(NAME, True), ("other.test", False)])
def test_the_certificate_must_be_that_of_the_name(
    name: str, taken: bool, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEBHOOK_ALLOW_INTERNAL = True
    authority = Authority(tmp_path / "authority")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("receiver"))
    resolving(monkeypatch, ["127.0.0.1"])

    with receiver(context) as running:
        connect = socket.create_connection
        monkeypatch.setattr(socket, "create_connection", lambda place, patience: connect((place[0], running.port), patience))
        if taken:
            post(f"https://{name}/")
        else:
            with pytest.raises(ssl.SSLCertVerificationError, match="match"):
                post(f"https://{name}/")

        assert [headers["host"] for headers, _ in running.calls] == [name] * taken
