"""What crosses the wire to Temporal, and the id of a batch. Standard library only: workflow code imports it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

WORKFLOW = "batch_processing"
# One activity: 5 chunks of 1,000 rows, each chunk a transaction. 100,000 rows are 20 activities and some 130 history events.
RANGE_SIZE = 5_000
# Activities at once. More does not help one worker (Python has one core), fewer would leave a second one idle.
WINDOW = 4
# Ranges planned by one activity: their bounds are one small payload, and the next plan sees fresh rows.
PLAN_SIZE = 200
# Ids travel in the input, and a payload may have 2 MiB.
MAX_USER_IDS = 100_000
SAMPLE_SIZE = 10

# A primary key as JSON has it: a number, or a UUID as text.
type Key = int | str


@dataclass(frozen=True, kw_only=True)
class RowQuery:
    """Rows by description, for more than an input can list: `app_label.Model`, and Django look-ups on its own fields."""

    model: str
    filter: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Carried:
    """What a run hands to the next one when it continues as new."""

    started_at: datetime
    total: int
    succeeded: int
    failed: int
    next_range: int
    after: Key


@dataclass(frozen=True, kw_only=True)
class BatchProcessingWorkflowInput:
    """A batch: the accounts in `user_ids`, or the rows that `rows` describes. `action` is a name in apps/batch/actions.py."""

    batch_id: str
    user_ids: list[int] = field(default_factory=list)
    rows: RowQuery | None = None
    action: str = "check_profile"
    carried: Carried | None = None


@dataclass(frozen=True, kw_only=True)
class OpenBatchInput:
    """What the batch is about; `user_count` when ids were listed."""

    batch_id: str
    action: str
    rows: RowQuery | None
    user_count: int


@dataclass(frozen=True, kw_only=True)
class PlanInput:
    """Cut the rows after a primary key (None: from the first one) into ranges."""

    rows: RowQuery
    after: Key | None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The last primary key of each range, in order; `complete` when no row comes after them."""

    bounds: list[Key]
    complete: bool


@dataclass(frozen=True, kw_only=True)
class RangeInput:
    """The rows after one primary key up to another, or the accounts in `user_ids`, in ascending order."""

    batch_id: str
    number: int
    rows: RowQuery | None = None
    after: Key | None = None
    upto: Key | None = None
    user_ids: list[int] = field(default_factory=list)

    @property
    def task_name(self) -> str:
        """What the task of this activity is called."""
        return f"process_range, part {self.number + 1}"


@dataclass(frozen=True, kw_only=True)
class RangeResult:
    """How many rows of a range went well and how many were listed as failures."""

    succeeded: int
    failed: int


@dataclass(frozen=True, kw_only=True)
class CloseBatchInput:
    """How the batch ended: completed, canceled or failed."""

    batch_id: str
    status: str


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A row that failed, by primary key, and why."""

    row: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ClosedBatch:
    """The figures at the end, from the database."""

    succeeded: int
    failed: int
    failures: list[Failure]


@dataclass(frozen=True, kw_only=True)
class BatchProgress:
    """Answer of the `progress` query: rows of finished ranges, and ranges at work."""

    total: int
    succeeded: int
    failed: int
    ranges_in_flight: int


@dataclass(frozen=True, kw_only=True)
class BatchResult:
    """The end of a batch. `failures` is a sample: all are in the database. `duration` is in seconds."""

    batch_id: str
    total: int
    succeeded: int
    failed: int
    failures: list[Failure]
    duration: float


def batch_workflow_id(batch_id: str) -> str:
    """The workflow id of a batch."""
    return f"batch-{batch_id}"
