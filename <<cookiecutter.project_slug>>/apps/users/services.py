"""What is done to accounts from outside: tokens for programs, and accounts by the thousand."""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import batched

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from apps.users.models import ApiToken, User

IMPORT_SLICE = 1_000


def digest(token: str) -> str:
    """What is stored of a token, and what it is found by."""
    return hashlib.sha256(token.encode()).hexdigest()


def create_token(*, user: User, name: str, lifetime: timedelta | None = None) -> str:
    """Make a token and give it. It cannot be read again later. Without a lifetime it does not expire."""
    token = secrets.token_urlsafe(32)
    ApiToken.objects.create(
        user=user, name=name, digest=digest(token), expires_at=timezone.now() + lifetime if lifetime is not None else None
    )
    return token


@dataclass(frozen=True)
class NewUser:
    """One row of an import. `line` is where it stood, for whoever has to mend it."""

    line: int
    email: str
    name: str


@dataclass
class ImportResult:
    """What an import did. `invalid` and `known` are the line numbers of rows that were left out."""

    created: int = 0
    invalid: list[int] = field(default_factory=list)
    known: list[int] = field(default_factory=list)


def import_users(rows: Iterable[NewUser]) -> ImportResult:
    """Create an account for each row whose address is valid and new; a second import of the same rows creates none.

    Commits slice by slice. The accounts cannot sign in before a password reset, and no onboarding starts for them.
    """
    result = ImportResult()
    # One hash for all, and one that no password fits: hashing a password a row would take minutes.
    unusable = make_password(None)
    for rows_of_slice in batched(rows, IMPORT_SLICE):
        _import_slice(rows_of_slice, unusable, result)
    return result


@transaction.atomic
def _import_slice(rows: Iterable[NewUser], unusable: str, result: ImportResult) -> None:
    wanted: dict[str, User] = {}
    lines: dict[str, int] = {}
    for row in rows:
        email = row.email.strip().lower()
        if not _is_valid(email, row.name.strip()):
            result.invalid.append(row.line)
        elif email in wanted:
            result.known.append(row.line)
        else:
            wanted[email] = User(email=email, name=row.name.strip(), password=unusable)
            lines[email] = row.line
    for email in User.objects.filter(email__in=wanted).values_list("email", flat=True):
        del wanted[email]
        result.known.append(lines[email])
    User.objects.bulk_create(wanted.values())
    result.created += len(wanted)


def _is_valid(email: str, name: str) -> bool:
    try:
        User._meta.get_field("email").run_validators(email)
        User._meta.get_field("name").run_validators(name)
    except ValidationError:
        return False
    return bool(email)
