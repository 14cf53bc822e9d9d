"""The link that lets a person decide without an account.

Its token is made of the person's id and the secret key, so that a mail that is sent again has the same link although the
token is nowhere stored. It is found by its hash: how long that takes says nothing about it.
"""

from base64 import urlsafe_b64encode
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from apps.approvals.keys import derived_keys
from apps.approvals.models import Person
from apps.users.services import digest

SALT = "apps.approvals.links"


def token_of(person: Person) -> str:
    """The token of a stored person: 256 bits. After a change of the secret key the link that was mailed still works."""
    made = _tokens(person.pk)
    kept = next((token for token in made if digest(token) == person.token_digest), None)
    if kept is None:
        kept, person.token_digest = made[0], digest(made[0])
        person.save(update_fields=["token_digest"])
    return kept


def first_digest(person_id: UUID) -> str:
    """What is stored of the token of a new person."""
    return digest(_tokens(person_id)[0])


def url_of(person: Person) -> str:
    """Where a person decides."""
    return settings.SITE_URL + reverse("approvals:link", args=[token_of(person)])


def find(token: str) -> Person | None:
    """Whose token this is."""
    return Person.objects.select_related("request__execution").filter(token_digest=digest(token)).first()


def _tokens(person_id: UUID) -> list[str]:
    return [urlsafe_b64encode(key).rstrip(b"=").decode() for key in derived_keys(SALT, str(person_id))]
