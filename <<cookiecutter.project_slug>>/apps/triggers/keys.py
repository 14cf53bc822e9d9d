"""Keys of triggers. They are made of the trigger's id, the number of the key and the secret key, and are nowhere stored.

A webhook's key signs what it takes. A token is in the link of a form and in the address for mails: it is found by its hash.
"""

from base64 import b32encode, b64encode
from collections.abc import Iterator

from django.conf import settings
from django.utils.crypto import salted_hmac

from apps.triggers.models import Trigger
from apps.users.services import digest

SALT = "apps.triggers.keys"
# 160 bits: 32 characters, which an address for mails has room for, whatever becomes of their case.
TOKEN_BYTES = 20


def signing_key(trigger: Trigger) -> str:
    """The key that webhooks are signed with, in the form of https://www.standardwebhooks.com."""
    return _signing_key(trigger, trigger.generation, settings.SECRET_KEY)


def live_signing_keys(trigger: Trigger) -> Iterator[str]:
    """Every key that counts: the newest, the one before while it is kept, and those of earlier secret keys of the site."""
    generations = [trigger.generation, *([trigger.generation - 1] if trigger.keeps_previous else [])]
    for secret in _secrets():
        for generation in generations:
            yield _signing_key(trigger, generation, secret)


def token(trigger: Trigger) -> str:
    """The newest token. After a change of the site's secret key the link that people have still works, and is the one shown."""
    made = [_token(trigger, secret) for secret in _secrets()]
    return next((token for token in made if digest(token) == trigger.token_digest), made[0])


def new_digest(trigger: Trigger) -> str:
    """What is stored of the newest token."""
    return digest(_token(trigger, settings.SECRET_KEY))


def _secrets() -> list[str]:
    return [settings.SECRET_KEY, *map(str, settings.SECRET_KEY_FALLBACKS)]


def _signing_key(trigger: Trigger, generation: int, secret: str) -> str:
    return f"whsec_{b64encode(_made(trigger, generation, 'webhook', secret)).decode()}"


def _token(trigger: Trigger, secret: str) -> str:
    return b32encode(_made(trigger, trigger.generation, "token", secret)[:TOKEN_BYTES]).decode().lower()


def _made(trigger: Trigger, generation: int, purpose: str, secret: str) -> bytes:
    value = f"{trigger.pk}:{generation}:{purpose}"
    made: bytes = salted_hmac(SALT, value, secret=secret, algorithm="sha256").digest()
    return made
