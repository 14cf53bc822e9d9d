"""What can be written into the texts of a step: the fields of the input, what earlier steps give, and what is always there."""

from collections.abc import Iterator
from dataclasses import dataclass

from apps.executions import catalog
from apps.executions.models import Actor
from apps.workflows.definitions import DefinitionDoc, ancestors
from apps.workflows.models import Project

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


def of(document: DefinitionDoc, *, before: str = "", after: str = "", with_item: bool = False) -> list[Hint]:
    """What a step may speak of: one that there is (`before`), or a new one that follows another (`after`).

    With `with_item` what is done with each item of a list speaks of that, too.
    """
    steps = {step.key: step for step in document.steps}
    known = ancestors(steps)
    earlier = known.get(before, set()) if before else {after, *known.get(after, set())} & steps.keys()
    items = [Hint("item", "the item"), Hint("index", "its place in the list, from 0")] if with_item else []
    return [*items, *_hints(document, earlier)]


def suggestions(project: Project, user: Actor) -> dict[str, list[str]]:
    """What is offered for fields whose kind says by `source` that they take a name of something: templates, workflows."""
    return {
        "templates": list(project.document_templates.values_list("name", flat=True)),
        "workflows": list(catalog.offered(user)),
    }


def _hints(document: DefinitionDoc, earlier: set[str]) -> Iterator[Hint]:
    for name, described in document.input_schema.get("properties", {}).items():
        yield Hint(f"input.{name}", described.get("description", "") or "of the input")
    for step in document.steps:
        if step.key in earlier:
            yield Hint(f"steps.{step.key}.output", f"what {step.name} gives")
    for expression, meaning in ALWAYS.items():
        yield Hint(expression, meaning)
