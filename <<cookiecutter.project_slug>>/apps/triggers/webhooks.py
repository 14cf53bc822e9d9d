"""Reading what other programs send to a trigger: who has signed it, when, and what it says.

Standard Webhooks for most, https://www.standardwebhooks.com; HubSpot signs in a way of its own.
"""

import hashlib
import hmac
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import unquote

from django.conf import settings
from django.core.exceptions import ValidationError

from apps.notifications.webhooks import signature
from apps.triggers.keys import live_signing_keys
from apps.triggers.kinds import Delivery
from apps.triggers.models import Trigger
from config.parsing import read_json

MAX_BODY = 2**20
# Seconds by which the sender's clock may differ: what is older may have been recorded and sent again.
WINDOW = 300
MAX_ID, MAX_SIGNATURES = 200, 10
# HubSpot signs the address with these characters as they are: https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
HUBSPOT_PLAIN = ("%3A", "%2F", "%3F", "%40", "%21", "%24", "%27", "%28", "%29", "%2A", "%2C", "%3B")

type Headers = Mapping[str, str]


class NotSigned(Exception):  # noqa: N818  says what is so, as Django's DoesNotExist does
    """Nobody who has a key has signed this, or not now."""


class TooLarge(Exception):  # noqa: N818  as above
    """The body is longer than MAX_BODY."""


def read(trigger: Trigger, form: str, headers: Headers, body: bytes, *, url: str) -> list[Delivery]:
    """What a request brings. Raises NotSigned, TooLarge, and ValidationError for a body that is not what was expected."""
    if len(body) > MAX_BODY:
        raise TooLarge
    return list(FORMS[form](trigger, headers, body, url))


def _standard(trigger: Trigger, headers: Headers, body: bytes, url: str) -> Iterator[Delivery]:
    key, moment = headers.get("webhook-id", ""), _seconds(headers.get("webhook-timestamp", ""))
    # A sender that changes its key signs with both.
    given = headers.get("webhook-signature", "").split()[:MAX_SIGNATURES]
    wanted = [signature(secret, key, moment, body) for secret in live_signing_keys(trigger)]
    _require(bool(key) and len(key) <= MAX_ID and _any_same(given, wanted))
    yield Delivery(event_id=key, data=_json(body))


def _hubspot(trigger: Trigger, headers: Headers, body: bytes, url: str) -> Iterator[Delivery]:
    stamp = headers.get("X-HubSpot-Request-Timestamp", "")
    _seconds(stamp[:-3])
    for text in HUBSPOT_PLAIN:
        url = url.replace(text, unquote(text))
    signed = f"POST{url}".encode() + body + stamp.encode()
    wanted = [
        b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode() for secret in settings.HUBSPOT_WEBHOOK_KEYS
    ]
    _require(_any_same([headers.get("X-HubSpot-Signature-v3", "")], wanted))
    said = _json(body)
    for event in said if isinstance(said, list) else [said]:
        if not isinstance(event, dict) or "eventId" not in event:
            raise ValidationError({"body": "HubSpot sends a list of events, each with its eventId."})
        subscription = str(event.get("subscriptionType", ""))
        wanted_types = trigger.config.get("events")
        if not wanted_types or subscription in wanted_types:
            yield Delivery(
                event_id=f"{event['eventId']}:{event.get('occurredAt', '')}"[:MAX_ID],
                data=event,
                source_object_type=subscription.partition(".")[0][:100],
                source_object_id=str(event.get("objectId", ""))[:100],
            )


FORMS: Mapping[str, Callable[[Trigger, Headers, bytes, str], Iterator[Delivery]]] = {
    "standard": _standard,
    "hubspot": _hubspot,
}


def _any_same(given: list[str], wanted: list[str]) -> bool:
    return any(hmac.compare_digest(one.encode(), other.encode()) for one in given for other in wanted)


def _require(right: bool) -> None:
    if not right:
        raise NotSigned("The signature is wrong: sign ID.TIMESTAMP.BODY with the trigger's key.")


def _seconds(text: str) -> int:
    moment = int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else 0  # noqa: PLR2004  seconds for 30,000 years
    if abs(time.time() - moment) > WINDOW:
        raise NotSigned(f"The timestamp is not of the last {WINDOW} seconds: set the clock, and sign anew when sending again.")
    return moment


def _json(body: bytes) -> object:
    try:
        return read_json(body)
    except (ValueError, RecursionError) as error:
        raise ValidationError({"body": "The body is no JSON, or nested too deep."}) from error
