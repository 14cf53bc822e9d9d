"""What crosses between the interpreter and its activities. Values stay in the database: a history carries keys alone."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

WORKFLOW = "defined_workflow"
# How the interpreter goes about a step: one activity; ask people and wait; wait for a time; only choose the next step; one
# activity for each item of a list; another workflow.
Flow = Literal["activity", "people", "wait", "route", "each", "workflow"]


@dataclass(frozen=True, kw_only=True)
class EdgeSpec:
    """Where to go from a step if `condition`, a CEL expression, holds; always where it is empty."""

    to: str
    condition: str = ""


@dataclass(frozen=True, kw_only=True)
class StepSpec:
    """A step as it was published. `timeout` and `first_retry` are seconds, `attempts` how often it is tried at most."""

    key: str
    name: str
    kind: str
    flow: Flow = "activity"
    config: dict[str, Any] = field(default_factory=dict)
    next: tuple[EdgeSpec, ...] = ()
    timeout: float = 300
    attempts: int = 5
    first_retry: float = 1


@dataclass(frozen=True, kw_only=True)
class DefinitionSpec:
    """The steps of a version in their order. The first is where it begins."""

    steps: tuple[StepSpec, ...]

    @property
    def by_key(self) -> dict[str, StepSpec]:
        """The steps by their keys."""
        return {step.key: step for step in self.steps}


@dataclass(frozen=True, kw_only=True)
class DefinedInput:
    """One execution of one version. `at` is the key of the step to go on with, in a run that continues another."""

    execution_id: str
    definition: DefinitionSpec
    at: str = ""


@dataclass(frozen=True, kw_only=True)
class StepInput:
    """A step to be done."""

    execution_id: str
    step: StepSpec

    @property
    def task_name(self) -> str:
        """What the task of this activity is called."""
        return self.step.name


@dataclass(frozen=True, kw_only=True)
class PlaceInput:
    """Where a run that continues another was to go on."""

    execution_id: str
    at: str


@dataclass(frozen=True, kw_only=True)
class CloseInput:
    """A step that has waited and is over, and how: with the id of what people were asked, or of the workflow that it ran.

    `is_child` is for a workflow whose end it has waited for.
    """

    execution_id: str
    key: str
    asked_id: str = ""
    status: str = "success"
    is_child: bool = False


@dataclass(frozen=True, kw_only=True)
class ItemsInput:
    """A part of the items of a step, by its number."""

    execution_id: str
    step: StepSpec
    part: int

    @property
    def task_name(self) -> str:
        """What the task of this activity is called."""
        return f"{self.step.name}, part {self.part + 1}"


@dataclass(frozen=True, kw_only=True)
class Planned:
    """The items of a step: the numbers of the parts that are left to do, and how many of them at once."""

    parts: tuple[int, ...]
    at_once: int = 1


@dataclass(frozen=True, kw_only=True)
class Child:
    """Another workflow to be run: its registered name, its input as JSON, its id and queue, and whether its end is awaited.

    One that `is_done` needs no start: it was done in an earlier attempt, or runs already.
    """

    workflow: str = ""
    argument: Any = None
    workflow_id: str = ""
    task_queue: str = ""
    is_awaited: bool = True
    is_done: bool = False


@dataclass(frozen=True, kw_only=True)
class Until:
    """When a wait is over."""

    moment: datetime


def execution_workflow_id(execution_id: str) -> str:
    """The id at Temporal of an execution of a definition."""
    return f"exec_{execution_id}"
