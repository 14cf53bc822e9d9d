"""Keys of triggers. They are made of the trigger's id, the number of the key and the secret key, and are nowhere stored.

A webhook's key signs what it takes. A token is in the link of a form and in the address for mails: it is found by its hash.
"""

from base64 import b32encode, b64encode
from collections.abc import Iterator

from apps.approvals.keys import derived_keys
from apps.triggers.models import Trigger
from apps.users.services import digest

SALT = "apps.triggers.keys"
# 160 bits: 32 characters, which an address for mails has room for, whatever becomes of their case.
TOKEN_BYTES = 20


def signing_key(trigger: Trigger) -> str:
    """The key that webhooks are signed with, in the form of https://www.standardwebhooks.com."""
    return _signing_keys(trigger, trigger.generation)[0]


def live_signing_keys(trigger: Trigger) -> Iterator[str]:
    """Every key that counts: the newest, the one before while it is kept, and those of earlier secret keys of the site."""
    yield from _signing_keys(trigger, trigger.generation)
    if trigger.keeps_previous:
        yield from _signing_keys(trigger, trigger.generation - 1)


def token(trigger: Trigger) -> str:
    """The newest token. After a change of the site's secret key the link that people have still works, and is the one shown."""
    made = _tokens(trigger)
    return next((token for token in made if digest(token) == trigger.token_digest), made[0])


def new_digest(trigger: Trigger) -> str:
    """What is stored of the newest token."""
    return digest(_tokens(trigger)[0])


def _signing_keys(trigger: Trigger, generation: int) -> list[str]:
    return [f"whsec_{b64encode(key).decode()}" for key in derived_keys(SALT, f"{trigger.pk}:{generation}:webhook")]


def _tokens(trigger: Trigger) -> list[str]:
    made = derived_keys(SALT, f"{trigger.pk}:{trigger.generation}:token")
    return [b32encode(key[:TOKEN_BYTES]).decode().lower() for key in made]
