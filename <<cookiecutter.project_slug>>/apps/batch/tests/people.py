"""Accounts by the dozen for this folder's tests."""

from apps.users.models import User


def make_users(number: int, *, broken: tuple[int, ...] = ()) -> list[User]:
    """So many accounts; those at the positions in `broken` have an address that no check accepts."""
    return User.objects.bulk_create(
        User(email=f"broken-{n}" if n in broken else f"user-{n}@example.com", name=f"User {n}") for n in range(number)
    )
