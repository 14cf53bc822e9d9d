"""What can be done to accounts by name: one by one in the onboarding, a thousand at a time in a batch.

An action takes accounts, writes set-based, may run twice, and returns the reason for each account that it
refused, by primary key.
"""

from collections.abc import Callable, Mapping, Sequence

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone

from apps.users.models import User

type Action = Callable[[Sequence[User]], dict[int, str]]


def check_profile(users: Sequence[User]) -> dict[int, str]:
    """Stamp the accounts whose data is sound; refuse those with a broken address or an unreadable name."""
    refused = {user.pk: reason for user in users if (reason := _flaw(user))}
    good = [user.pk for user in users if user.pk not in refused]
    User.objects.filter(pk__in=good).update(profile_checked_at=timezone.now())
    return refused


def _flaw(user: User) -> str:
    if not user.name.isprintable():
        return "the name has characters that cannot be printed"
    try:
        validate_email(user.email)
    except ValidationError:
        return f"{user.email!r} is not an e-mail address"
    return ""


ACTIONS: Mapping[str, Action] = {"check_profile": check_profile}
