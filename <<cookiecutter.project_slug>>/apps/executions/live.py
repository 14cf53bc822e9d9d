"""What changes on a page while somebody looks at it: rendered by views.py for the page and for polling, by sse.py for streams.

A stream names its messages DETAIL (the fragment of one execution), `row_event` (a row of the list) and END (nothing follows).
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import mark_safe

from apps.executions import catalog, states, timeline
from apps.executions.actions import ACTIONS
from apps.executions.charts import duration
from apps.executions.models import CHANGE, START, TERMINATE, Execution

DETAIL: Final = "detail"
END: Final = "end"
# The audit trail is short; what is older than these is read through the API.
EVENTS_SHOWN: Final = 100
# Milliseconds between two looks of a page that polls: while it works, and while it waits for somebody.
QUICK: Final = 2_500
SLOW: Final = 10_000
# Tasks may report after their execution has ended.
LINGER: Final = timedelta(seconds=5)
TONES: Final = {"completed": "good", "failed": "bad", "timed_out": "bad", "terminated": "bad", "running": "busy"}


@dataclass(frozen=True)
class Section:
    """What another app adds to that fragment: HTML that a template has escaped, empty for what is not its own; and its style."""

    render: Callable[[Execution], str]
    style: str


SECTIONS: Final[list[Section]] = []


def allowed_actions(user: Any, execution: Execution) -> frozenset[str]:
    """What an account may do to an execution that it sees, wherever that stands: start, cancel, terminate, reset.

    Its own executions are its to start, cancel and reset. Those of others, and any termination, need a permission. What people
    defined is started, and its own is reset, as long as they let the account start it: catalog.may_start.
    """
    own = execution.user_id is not None and execution.user_id == user.pk
    allowed = {
        "start": (own or user.has_perm(f"executions.{START}")) and catalog.may_start(user, execution),
        "cancel": own or user.has_perm(f"executions.{CHANGE}"),
        "reset": user.has_perm(f"executions.{CHANGE}") or (own and catalog.may_start(user, execution)),
        "terminate": user.has_perm(f"executions.{TERMINATE}"),
    }
    return frozenset(action for action, may in allowed.items() if may)


def require(user: Any, execution: Execution, action: str) -> None:
    """Raises PermissionDenied unless the account may do that to the execution."""
    if action not in allowed_actions(user, execution):
        raise PermissionDenied(f"This account may not {action} this execution.")


def possible_actions(execution: Execution) -> frozenset[str]:
    """What can be done to an execution where it stands, whoever does it. The others are refused with IllegalTransition."""
    possible = {
        "start": execution.is_planned,
        "cancel": execution.is_open and execution.cancel_requested_at is None,
        "terminate": execution.is_open,
        "reset": execution.status in states.RESETTABLE and bool(execution.temporal_run_id),
    }
    return frozenset(action for action, can in possible.items() if can)


def pace(execution: Execution) -> int:
    """Milliseconds until a page that polls should look again, 0 when there is nothing more to come."""
    if execution.is_open:
        return SLOW if execution.is_planned or execution.status == Execution.Status.PAUSED else QUICK
    just_now = execution.completed_at and timezone.now() - execution.completed_at < LINGER
    return QUICK if just_now else 0


def pretty(value: Any) -> str:
    """A JSON value as people read it, empty for none."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, indent=2, ensure_ascii=False)


def render_detail(execution: Execution, allowed: frozenset[str], page: int = 1) -> str:
    """The part of an execution's page that changes, with one page of its tasks. `allowed` is what its reader may do."""
    can = allowed & possible_actions(execution)
    sections = [mark_safe(section.render(execution)) for section in SECTIONS]  # noqa: S308  a template has escaped it
    context = _facts(execution) | {
        "actions": {name: action for name, action in ACTIONS.items() if name in can},
        "pace": pace(execution),
        "result": pretty(execution.result),
        "sections": sections,
        "timeline": timeline.of(execution, page),
        "events": execution.events.select_related("user").order_by("-pk")[:EVENTS_SHOWN],
    }
    return render_to_string("executions/_detail.html", context)


def render_row(execution: Execution) -> str:
    """An execution's row of the list."""
    return render_to_string("executions/_row.html", _facts(execution) | {"event": row_event(execution)})


def row_event(execution: Execution) -> str:
    """The name of a stream's messages about that row."""
    return f"row-{execution.pk}"


def _facts(execution: Execution) -> dict[str, Any]:
    ended = execution.completed_at or timezone.now()
    return {
        "execution": execution,
        "title": catalog.title(execution.workflow),
        "tone": TONES.get(execution.status, "quiet"),
        "took": duration((ended - execution.started_at).total_seconds()) if execution.started_at else "",
    }
