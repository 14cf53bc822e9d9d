"""What can be written into the texts of a step: the fields of the input, what earlier steps give, and what is always there."""

from collections.abc import Iterator
from dataclasses import dataclass

from apps.workflows.definitions import DefinitionDoc, ancestors

ALWAYS = {
    "trigger.data": "what started the workflow",
    "source.id": "the object that it is about",
    "workflow.name": "the workflow's name",
    "execution.id": "the execution's id",
    "now": "the time",
}


@dataclass(frozen=True)
class Hint:
    """An expression and what it gives."""

    expression: str
    meaning: str


def of(document: DefinitionDoc, *, before: str = "", after: str = "") -> list[Hint]:
    """What a step may speak of: one that there is (`before`), or a new one that follows another (`after`)."""
    steps = {step.key: step for step in document.steps}
    known = ancestors(steps)
    earlier = known.get(before, set()) if before else {after, *known.get(after, set())} & steps.keys()
    return list(_hints(document, earlier))


def _hints(document: DefinitionDoc, earlier: set[str]) -> Iterator[Hint]:
    for name, described in document.input_schema.get("properties", {}).items():
        yield Hint(f"input.{name}", described.get("description", "") or "of the input")
    for step in document.steps:
        if step.key in earlier:
            yield Hint(f"steps.{step.key}.output", f"what {step.name} gives")
    for expression, meaning in ALWAYS.items():
        yield Hint(expression, meaning)
