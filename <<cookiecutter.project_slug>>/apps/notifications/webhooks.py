"""A signed request to an address that an account named, in the form of https://www.standardwebhooks.com.

It goes to public addresses alone, or every account could reach what only this server may. The name is resolved here and the
connection made to what was found: a second look could find another address.
"""

import hashlib
import hmac
import socket
import time
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, IncompleteRead
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from ssl import create_default_context
from threading import Event, Timer

from django.conf import settings
from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

# In seconds: to connect and for each thing that is read, and for the whole.
PATIENCE, LONGEST = 10, 30
PORTS = {"https": 443, "http": 80}
# These reach IPv4 addresses where the network translates: https://www.rfc-editor.org/rfc/rfc6052
NAT64 = IPv6Network("64:ff9b::/96")
# A receiver that says so may take it later.
NOT_NOW = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


class WebhookRefused(Exception):  # noqa: N818  says what is so, as Django's DoesNotExist does
    """This address will never take it, or must not be asked."""


class WebhookFailed(Exception):  # noqa: N818  as above
    """It did not take it this time."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back. `body` has at most as many bytes as were asked for."""

    status: int
    media_type: str
    body: bytes


def read_address(url: str) -> Url:
    """The parts of an address that a webhook may have, as far as it alone can tell. Raises WebhookRefused."""
    try:
        parts = parse_url(url)
    except LocationParseError as error:
        raise WebhookRefused("This is no web address.") from error
    schemes = ("https", "http") if settings.WEBHOOK_ALLOW_INTERNAL else ("https",)
    if parts.scheme not in schemes or not parts.host:
        raise WebhookRefused(f"A webhook's address begins with {' or '.join(f'{scheme}://' for scheme in schemes)}.")
    if parts.auth:
        raise WebhookRefused("A webhook's address has no user name and no password: its signature says who calls.")
    return parts


def resolve(parts: Url) -> list[str]:
    """The addresses behind the name. Raises WebhookRefused when one is internal, OSError when the name is not known."""
    host = (parts.host or "").strip("[]")
    found = socket.getaddrinfo(host, _port(parts), type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not settings.WEBHOOK_ALLOW_INTERNAL and not all(_is_public(ip_address(address)) for address in addresses):
        raise WebhookRefused("This address is inside a network: webhooks go to public addresses alone.")
    return addresses


def signature(secret: str, key: str, moment: int, body: bytes) -> str:
    """What proves to the receiver who sent the body, under which key, and when (seconds since 1970)."""
    signed = f"{key}.{moment}.".encode() + body
    digest = hmac.new(b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    return f"v1,{b64encode(digest).decode()}"


def post(url: str, *, key: str, secret: str, body: bytes) -> None:
    """Send it. Raises WebhookRefused when trying again is of no use, WebhookFailed, OSError and HTTPException when it may be."""
    status = call("POST", url, key=key, secret=secret, body=body, headers={"Content-Type": "application/json"}).status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    if not may_pass(status):
        raise WebhookRefused(f"The receiver answered {status}{'' if status >= 400 else ', and redirects are not followed'}.")  # noqa: PLR2004
    raise WebhookFailed(f"The receiver answered {status}.")


def may_pass(status: int) -> bool:
    """Whether another attempt may be answered otherwise."""
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in NOT_NOW


def call(method: str, url: str, *, key: str, secret: str, body: bytes, headers: Mapping[str, str], longest: int = 0) -> Answer:
    """Send it, whatever the answer, of which `longest` bytes are read.

    Raises WebhookRefused for an address that must not be asked, ValueError for headers that cannot be sent, OSError and
    HTTPException when it does not arrive.
    """
    parts, moment = read_address(url), int(time.time())
    ours = {
        # The port only where it is not the usual one.
        "Host": parts.netloc or "",
        "User-Agent": settings.SITE_DOMAIN,
        "webhook-id": key,
        "webhook-timestamp": str(moment),
        "webhook-signature": signature(secret, key, moment, body),
    }
    return _exchange(method, parts, resolve(parts), headers={**headers, **ours}, body=body, longest=longest)


def _exchange(method: str, parts: Url, addresses: Iterable[str], *, headers: dict[str, str], body: bytes, longest: int) -> Answer:
    host, port = (parts.host or "").strip("[]"), _port(parts)
    connection = HTTPConnection(host, port)
    with _connect(addresses, port) as plain, plain.dup() as same:
        # Otherwise a receiver that answers byte by byte would have a worker's slot for as long as it likes.
        was_cut = Event()
        end = Timer(LONGEST, _cut, [same, was_cut])
        end.start()
        try:
            secured = parts.scheme == "https"
            connection.sock = create_default_context().wrap_socket(plain, server_hostname=host) if secured else plain
            connection.request(method, parts.request_uri, body or None, headers)
            with connection.getresponse() as answer:
                received = answer.read(longest) if longest else b""
                if answer.length and len(received) < longest:
                    raise IncompleteRead(received, answer.length)
                # http.client takes a head that was cut off for a whole one.
                if was_cut.is_set():
                    raise TimeoutError(f"The receiver did not answer within {LONGEST} seconds.")
                return Answer(status=answer.status, media_type=answer.headers.get_content_type(), body=received)
        finally:
            end.cancel()
            connection.close()


def _connect(addresses: Iterable[str], port: int) -> socket.socket:
    problem: OSError = OSError("The name has no address.")
    for address in addresses:
        try:
            return socket.create_connection((address, port), PATIENCE)
        except OSError as error:
            problem = error
    raise problem


def _cut(connection: socket.socket, was_cut: Event) -> None:
    was_cut.set()
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _port(parts: Url) -> int:
    return parts.port or PORTS[parts.scheme or "https"]


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address):
        inside = address.ipv4_mapped or (IPv4Address(int(address) % 2**32) if address in NAT64 else None)
        if inside:
            return _is_public(inside)
    return address.is_global and not address.is_multicast
