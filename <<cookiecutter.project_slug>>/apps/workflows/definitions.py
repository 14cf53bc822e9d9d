"""A definition as a document: what is imported and exported, checked, compared and run. Rows: drafts.py and models.py."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from apps.workflows.kinds import base
from apps.workflows.models import Edge, Step, WorkflowVersion
from apps.workflows.shared import DefinitionSpec, EdgeSpec, StepSpec

MAX_STEPS = 500
Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")]


class EdgeDoc(BaseModel):
    """What follows a step, if `condition` holds; always, or when no other does, where it is empty."""

    model_config = ConfigDict(extra="forbid")

    to: Key
    condition: Annotated[str, Field(max_length=2_000)] = ""


class StepDoc(BaseModel):
    """A step. The kind says what stands in `config`, and the times where they are left out."""

    model_config = ConfigDict(extra="forbid")

    key: Key
    kind: Annotated[str, Field(min_length=1, max_length=50)]
    name: Annotated[str, Field(min_length=1, max_length=100)]
    config: dict[str, Any] = {}
    next: list[EdgeDoc] = []
    timeout_seconds: Annotated[int, Field(ge=1, le=30 * 24 * 3600)] | None = None
    attempts: Annotated[int, Field(ge=1, le=1_000)] | None = None
    first_retry_seconds: Annotated[int, Field(ge=1, le=24 * 3600)] | None = None


class DefinitionDoc(BaseModel):
    """A whole definition. The first step is where it begins."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100)]
    description: Annotated[str, Field(max_length=2_000)] = ""
    input_schema: dict[str, Any] = {}
    steps: Annotated[list[StepDoc], Field(max_length=MAX_STEPS)] = []


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is wrong with a definition. `step` is a key, empty where it is about the whole; `field` names a value of the step."""

    message: str
    step: str = ""
    field: str = ""


def document_of(version: WorkflowVersion) -> DefinitionDoc:
    """A version, a draft too, as a document."""
    edges: dict[Any, list[EdgeDoc]] = {}
    for edge in Edge.objects.filter(source__version=version).select_related("target"):
        edges.setdefault(edge.source_id, []).append(EdgeDoc(to=edge.target.key, condition=edge.condition))
    workflow = version.workflow
    return DefinitionDoc.model_construct(
        name=workflow.name,
        description=workflow.description,
        input_schema=version.input_schema,
        steps=[_step_document(step, edges.get(step.pk, [])) for step in version.steps.all()],
    )


def spec_of(document: DefinitionDoc) -> DefinitionSpec:
    """What the interpreter is given: every step with its kind's own times where it says nothing else."""
    return DefinitionSpec(steps=tuple(_step_spec(step) for step in document.steps))


def ancestors(steps: Mapping[str, StepDoc]) -> dict[str, set[str]]:
    """The keys of the steps that may come before each, of steps that have no cycle."""
    before: dict[str, set[str]] = {key: set() for key in steps}
    for key in in_order(steps):
        for edge in steps[key].next:
            if edge.to in before:
                before[edge.to] |= {key, *before[key]}
    return before


def in_order(steps: Mapping[str, StepDoc]) -> Iterator[str]:
    """The keys with every step behind all that lead to it. Steps in a cycle, and behind one, are left out."""
    waiting = dict.fromkeys(steps, 0)
    for step in steps.values():
        for edge in step.next:
            if edge.to in waiting:
                waiting[edge.to] += 1
    ready = [key for key, count in waiting.items() if not count]
    while ready:
        key = ready.pop(0)
        yield key
        for edge in steps[key].next:
            if edge.to in waiting:
                waiting[edge.to] -= 1
                if not waiting[edge.to]:
                    ready.append(edge.to)


def _step_document(step: Step, edges: list[EdgeDoc]) -> StepDoc:
    return StepDoc.model_construct(
        key=step.key,
        kind=step.kind,
        name=step.name,
        config=step.config,
        next=edges,
        timeout_seconds=step.timeout_seconds,
        attempts=step.attempts,
        first_retry_seconds=step.first_retry_seconds,
    )


def _step_spec(step: StepDoc) -> StepSpec:
    kind = base.find(step.kind)
    return StepSpec(
        key=step.key,
        name=step.name,
        kind=step.kind,
        flow=kind.flow,
        config=step.config,
        next=tuple(EdgeSpec(to=edge.to, condition=edge.condition) for edge in step.next),
        timeout=step.timeout_seconds or kind.timeout.total_seconds(),
        attempts=step.attempts or kind.attempts,
        first_retry=step.first_retry_seconds or kind.first_retry.total_seconds(),
    )
