"""What signature providers send: whether it is theirs, whether it is of now, and what it says. How each says it: providers/."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils import timezone

from apps.approvals.providers.known import PROVIDERS, keys_of
from apps.approvals.services import ProviderUpdate
from config.parsing import read_json

MAX_BODY = 2**20
# A provider tries again for hours with the time of the first try. Within the window a repetition is known by its id.
WINDOW, AHEAD = timedelta(days=1), timedelta(minutes=5)


class UnknownProvider(Exception):  # noqa: N818  says what is so, as Django's DoesNotExist does
    """There is no such provider."""


class NotFromProvider(Exception):  # noqa: N818  as above
    """The signature is not the provider's, or too old."""


class TooLarge(Exception):  # noqa: N818  as above
    """No provider sends so much."""


def read(provider: str, headers: Mapping[str, str], body: bytes) -> ProviderUpdate:
    """What a message says. Raises UnknownProvider, TooLarge, NotFromProvider, or ValidationError for what means nothing."""
    if provider not in PROVIDERS:
        raise UnknownProvider
    if len(body) > MAX_BODY:
        raise TooLarge(f"The message has more than {MAX_BODY:,} bytes.")
    # Any of the live keys: while one is replaced, both are.
    if not any(PROVIDERS[provider].is_signed(headers, body, key) for key in keys_of(provider)):
        raise NotFromProvider("The signature is missing or wrong.")
    try:
        message = read_json(body)
        said = PROVIDERS[provider].read(message)
        at = said.at if timezone.is_aware(said.at) else said.at.replace(tzinfo=UTC)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValidationError("The message is not one that this provider sends.") from error
    if not -AHEAD <= timezone.now() - at <= WINDOW:
        raise NotFromProvider("The message is too old, or from the future.")
    # None of them gives its messages an id. A repetition has the same body.
    event_id = hashlib.sha256(body).hexdigest()
    return ProviderUpdate(event_id=event_id, ref=said.ref, request_id=_uuid(said.request_id), signers=said.signers, data=message)


def _uuid(text: str) -> UUID | None:
    # An account has documents that this site did not make, with ids of another kind.
    try:
        return UUID(text)
    except ValueError:
        return None
