"""What crosses between workers and the projection. Workflow code may import it."""

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from typing import Any

from pydantic_core import to_jsonable_python
from temporalio.exceptions import ApplicationError, FailureError

from apps.tasks.shared import WORKFLOW as DJANGO_TASK

RECONCILE = "reconcile_executions"
# Housekeeping and Django's tasks are no executions that anybody watches.
UNTRACKED = frozenset({RECONCILE, DJANGO_TASK})
REPORT = "report_execution"
# In characters of JSON. Results and outputs are shown, not worked with.
MAX_SHOWN = 10_000
# What PostgreSQL, or UTF-8, has no room for: NUL and halves of characters.
NEVER_STORED = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, kw_only=True)
class Report:
    """How an execution ended, completed, failed or canceled, and of its last run when it began and how much it scheduled."""

    status: str
    result: Any = None
    error: str = ""
    activities: int = 0
    started_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class End:
    """A report, and whose it is."""

    workflow_id: str
    workflow: str
    run_id: str
    report: Report


@dataclass(frozen=True, kw_only=True)
class Mended:
    """One look of reconcile: when it began, and how many rows it mended."""

    looked_at: datetime
    rows: int


@dataclass(kw_only=True)
class TaskRecord:
    """What a worker knows of one try of an activity. The newest record of a try holds all of it."""

    workflow_id: str
    workflow: str
    run_id: str
    activity_id: str
    name: str
    number: int
    status: str
    scheduled_at: datetime
    started_at: datetime
    completed_at: datetime | None = None
    output: Any = None
    error: str = ""
    log: list[str] = field(default_factory=list)
    progress: tuple[int, int, str] | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """Which activity it is."""
        return self.workflow_id, self.run_id, self.activity_id

    @property
    def try_key(self) -> tuple[str, str, str, int]:
        """Which try of which activity it is."""
        return *self.key, self.number


def short(value: Any) -> Any:
    """A value as plain JSON that a database takes, to be shown: what is too long, or has no JSON, as a text that says so."""
    try:
        plain = _storable_json(to_jsonable_python(value))
        text = json.dumps(plain, ensure_ascii=False)
    except (ValueError, RecursionError):
        return f"{type(value).__name__}, which has no JSON"
    return plain if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}… ({len(text):,} characters)"


def storable(text: str) -> str:
    """A text as a database takes it: each character that none stores is replaced by a mark."""
    return NEVER_STORED.sub("\N{REPLACEMENT CHARACTER}", text)


def kind_of(error: BaseException) -> str:
    """The name by which Temporal and its retry policies know an error."""
    return error.type if isinstance(error, ApplicationError) and error.type else type(error).__name__


def said(error: BaseException) -> str:
    """The reason in a line: of a step that failed, the step's own."""
    while isinstance(error, FailureError) and error.cause and not isinstance(error, ApplicationError):
        error = error.cause
    kind = kind_of(error)
    message = error.message if isinstance(error, FailureError) else str(error)
    return storable(f"{kind}: {message}" if message else kind)


def _storable_json(value: Any) -> Any:
    match value:
        case str():
            return storable(value)
        case float() if not isfinite(value):
            return str(value)
        case list():
            return [_storable_json(each) for each in value]
        case dict():
            return {storable(str(key)): _storable_json(each) for key, each in value.items()}
        case _:
            return value
