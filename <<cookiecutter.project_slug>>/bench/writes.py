"""What is done to rows, the same whoever does it: a batch, a bare SDK workflow, a loop."""

from collections.abc import Callable, Mapping, Sequence

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone

from apps.batch.writes import write_back
from apps.users.actions import check_profile
from apps.users.models import User

type Write = Callable[[Sequence[User]], Mapping[int, str]]


def read(rows: Sequence[User]) -> Mapping[int, str]:
    """Nothing: the rows were read."""
    return {}


def bulk_update(rows: Sequence[User]) -> Mapping[int, str]:
    """Give each row a value of its own, as most would write it."""
    turn_names(rows)
    User.objects.bulk_update(rows, ["name"])
    return {}


def write_back_names(rows: Sequence[User]) -> Mapping[int, str]:
    """Give each row a value of its own, as a batch writes it when the action says which fields it changed."""
    turn_names(rows)
    write_back(rows, ["name"])
    return {}


def turn_names(rows: Sequence[User]) -> None:
    """Put each name's first letter behind its last."""
    for row in rows:
        row.name = row.name[1:] + row.name[:1]


def check_by_bulk_update(rows: Sequence[User]) -> Mapping[int, str]:
    """What check_profile does, without its one UPDATE a chunk."""
    good = []
    for row in rows:
        try:
            validate_email(row.email)
        except ValidationError:
            continue
        if row.name.isprintable():
            row.profile_checked_at = timezone.now()
            good.append(row)
    User.objects.bulk_update(good, ["profile_checked_at"])
    return {}


# The actions of batches, and what a loop does instead of each.
WRITES: Mapping[str, Write] = {
    "read": read,
    "bulk_update": bulk_update,
    "write_back": write_back_names,
    "check_profile": check_profile,
}
LOOPS: Mapping[str, Write] = {"bulk_update": bulk_update, "write_back": bulk_update, "check_profile": check_by_bulk_update}
