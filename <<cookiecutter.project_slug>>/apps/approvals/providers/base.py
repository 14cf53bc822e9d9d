"""What a service that takes signatures must be able to do. The project's own site does without: views.py."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any, ClassVar, Protocol

import urllib3

from apps.approvals.models import PeopleRequest
from apps.notifications.webhooks import may_pass

TIMEOUT = urllib3.Timeout(connect=10, read=30)


class ProviderRefused(Exception):  # noqa: N818  says what is so, as Django's DoesNotExist does
    """The provider will never take this request."""


class ProviderFailed(Exception):  # noqa: N818  as above
    """It did not take it this time."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a message of a provider says: when, of which request, and who of its signers has signed or declined."""

    at: datetime
    ref: str
    request_id: str = ""
    signers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """What a provider made of a request: its own id, and where each signer signs, by address, if it is not the one who writes."""

    ref: str
    urls: dict[str, str] = field(default_factory=dict)


class Provider(Protocol):
    """One service. `mails_itself` says that it writes to the signers."""

    name: ClassVar[str]
    mails_itself: ClassVar[bool]

    def prepare(self, request: PeopleRequest) -> Envelope:
        """Upload the documents and name the signers, so that nobody is asked yet. Raises ProviderRefused, ProviderFailed."""

    def begin(self, request: PeopleRequest) -> None:
        """Ask the signers; doing it twice asks them once. Raises as prepare does."""

    def withdraw(self, request: PeopleRequest) -> None:
        """Ask the signers no more. Raises as prepare does."""

    def is_signed(self, headers: Mapping[str, str], body: bytes, key: str) -> bool:
        """Whether a message comes from someone who has the key."""

    def read(self, message: Any) -> Said:
        """What a message says. Raises what a message of another form raises: ValueError, KeyError, TypeError."""


def has_hmac(headers: Mapping[str, str], body: bytes, key: str) -> bool:
    """Whether the header Content-Hmac is the HMAC of the body, as ClickSign makes it."""
    expected = f"sha256={hmac.new(key.encode(), body, hashlib.sha256).hexdigest()}"
    return hmac.compare_digest(headers.get("Content-Hmac", "").encode(), expected.encode())


def call(method: str, url: str, *, headers: dict[str, str], content: Any) -> Any:
    """Send JSON and give the JSON of the answer. Raises ProviderRefused, and ProviderFailed for what may pass."""
    try:
        answer = urllib3.request(method, url, json=content, headers=headers, timeout=TIMEOUT, retries=False, redirect=False)
        if answer.status < HTTPStatus.MULTIPLE_CHOICES:
            return answer.json() if answer.data else None
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        raise ProviderFailed(f"{type(error).__name__} at {url}") from error
    problem = f"{method} {url} was answered with {answer.status}"
    raise ProviderFailed(problem) if may_pass(answer.status) else ProviderRefused(problem)
