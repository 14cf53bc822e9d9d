"""A database that is away costs a step time, and not one attempt after the other."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps

from django.db import InterfaceError, OperationalError
from temporalio.exceptions import ApplicationError

# With the usual five attempts it may be away for a minute.
PATIENCE = timedelta(seconds=15)


def patient[**P, R](do: Callable[P, R]) -> Callable[P, R]:
    """The activity; where it fails because the database is away, its next attempt comes after PATIENCE."""

    @wraps(do)
    def done(*args: P.args, **options: P.kwargs) -> R:
        try:
            return do(*args, **options)
        except (InterfaceError, OperationalError) as error:
            raise ApplicationError(f"the database is away: {error}", type="DatabaseAway", next_retry_delay=PATIENCE) from error

    return done
