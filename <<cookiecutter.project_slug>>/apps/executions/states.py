"""What an execution may become from where it stands. Every other change is refused by name. Standard library only."""

from collections.abc import Mapping
from typing import NoReturn

OPEN = frozenset({"pending", "running", "paused"})
CLOSED = frozenset({"completed", "failed", "canceled", "terminated", "timed_out"})
_ENDS = frozenset({"completed", "failed", "canceled", "terminated", "timed_out"})

# By the workflow, or by a person through a service.
TRANSITIONS: Mapping[str, frozenset[str]] = {
    "pending": _ENDS | {"running"},
    "running": _ENDS | {"paused"},
    "paused": _ENDS | {"running"},
    "completed": frozenset(),
    "failed": frozenset(),
    "canceled": frozenset(),
    "terminated": frozenset(),
    "timed_out": frozenset(),
}
# What a person may send back to work. A completed execution has had its effects: only the server's own tools reset that.
RESETTABLE = frozenset({"failed", "canceled", "terminated", "timed_out"})

HINTS: Mapping[str, str] = {
    "pending": "It has not started: start it first.",
    "running": "Cancel it, or wait for its end.",
    "paused": "It waits: answer what it waits for, or cancel it.",
    "completed": "It has done its work: start another one.",
    "failed": "Reset it to try again.",
    "canceled": "Reset it to try again, or start another one.",
    "terminated": "Reset it to try again, or start another one.",
    "timed_out": "Reset it to try again.",
}


class IllegalTransition(Exception):  # noqa: N818  says what is so, as Django's DoesNotExist does
    """An execution cannot become that from where it stands. The message says where it stands and what can be done."""


def check(before: str, after: str, *, by_reset: bool = False) -> None:
    """Raises IllegalTransition unless `before` may become `after`; `by_reset` when a closed execution goes back to work."""
    if after in TRANSITIONS[before] or (by_reset and before in CLOSED and after == "running"):
        return
    raise IllegalTransition(f"This execution is {shown(before)} and cannot become {shown(after)}. {HINTS[before]}")


def refuse_start(before: str) -> NoReturn:
    """Raises IllegalTransition for an execution that somebody has started."""
    raise IllegalTransition(
        f"This execution is {shown(before)} and cannot be started again. "
        f"{'It starts as soon as Temporal takes it.' if before == 'pending' else HINTS[before]}"
    )


def check_reset(before: str) -> None:
    """Raises IllegalTransition unless a person may reset an execution that stands there."""
    if before not in RESETTABLE:
        raise IllegalTransition(f"This execution is {shown(before)} and cannot be reset. {HINTS[before]}")


def shown(status: str) -> str:
    """A status as people read it."""
    return status.replace("_", " ")
