"""Django system check: a schedule that cannot be made is said before anything starts."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, register

from apps.schedules.services import declared


@register("temporal")
def check_schedules(**_: Any) -> Sequence[CheckMessage]:
    """The schedules that are declared in code can be made."""
    try:
        declared(rows=False)
    except ValueError as error:
        return [Error(str(error), hint="Correct it in that schedules.py.", id="temporal.E101")]
    return []
