"""Changes of a definition as an editor makes them: a document goes in, another comes out. As rows: services.change_draft."""

import re
from typing import Any

from django.utils.text import slugify

from apps.workflows.definitions import DefinitionDoc, EdgeDoc, StepDoc

MAX_KEY = 50


def free_key(document: DefinitionDoc, name: str) -> str:
    """A key for a step of that name that no other step has."""
    wanted = re.sub(r"^[^a-z]+", "", slugify(name).replace("-", "_"))[: MAX_KEY - 4] or "step"
    taken = {step.key for step in document.steps}
    numbers = (f"{wanted}_{number}" for number in range(2, len(taken) + 3))
    return wanted if wanted not in taken else next(key for key in numbers if key not in taken)


def with_step(document: DefinitionDoc, step: StepDoc, *, after: str = "", condition: str = "") -> DefinitionDoc:
    """Put a step on the way behind another, or before all where `after` is empty.

    With a condition it becomes a way of its own, which leads to where the way without a condition goes.
    """
    steps = _copied(document)
    keys = [each.key for each in steps]
    if after not in keys:
        step.next = [EdgeDoc(to=keys[0])] if keys else []
        return _with(document, [step, *steps])
    place = keys.index(after)
    before = steps[place]
    always = [edge for edge in before.next if not edge.condition]
    conditional = [edge for edge in before.next if edge.condition]
    step.next = always
    before.next = [*conditional, EdgeDoc(to=step.key, condition=condition), *(always if condition else [])]
    steps.insert(place + 1, step)
    return _with(document, steps)


def without_step(document: DefinitionDoc, key: str) -> DefinitionDoc:
    """Take a step away. What led to it leads to what always followed it."""
    gone = next(step for step in document.steps if step.key == key)
    heir = next((edge.to for edge in gone.next if not edge.condition and edge.to != key), "")
    steps = [step for step in _copied(document) if step.key != key]
    for step in steps:
        led = [(edge, heir if edge.to == key else edge.to) for edge in step.next]
        step.next = _without_repetitions([EdgeDoc(to=to, condition=edge.condition) for edge, to in led if to])
    return _with(document, steps)


def replaced(document: DefinitionDoc, key: str, step: StepDoc) -> DefinitionDoc:
    """Put a changed step in the place of one. A new key is written wherever the old one is spoken of."""
    steps = [step if each.key == key else each for each in _copied(document)]
    if step.key != key:
        steps = [_renamed(each, key, step.key) for each in steps]
    return _with(document, steps)


def moved(document: DefinitionDoc, key: str, by: int) -> DefinitionDoc:
    """Move a step up (-1) or down (1) in the list, and on the way too where both steps simply follow each other."""
    steps = _copied(document)
    place = next(number for number, step in enumerate(steps) if step.key == key)
    other = place + by
    if not 0 <= other < len(steps):
        return document
    upper, lower = sorted((place, other))
    if _follow_simply(steps[upper], steps[lower], steps):
        first, second = steps[upper], steps[lower]
        for step in steps:
            step.next = [
                EdgeDoc(to=second.key if edge.to == first.key else edge.to, condition=edge.condition) for edge in step.next
            ]
        first.next, second.next = second.next, [EdgeDoc(to=first.key)]
    steps[upper], steps[lower] = steps[lower], steps[upper]
    return _with(document, steps)


def with_input(document: DefinitionDoc, schema: dict[str, Any]) -> DefinitionDoc:
    """Ask for another input."""
    return document.model_copy(update={"input_schema": schema})


def _copied(document: DefinitionDoc) -> list[StepDoc]:
    return [step.model_copy(deep=True) for step in document.steps]


def _with(document: DefinitionDoc, steps: list[StepDoc]) -> DefinitionDoc:
    return document.model_copy(update={"steps": steps})


def _without_repetitions(edges: list[EdgeDoc]) -> list[EdgeDoc]:
    """A condition in front of the same target that always follows decides nothing."""
    always = [edge for edge in edges if not edge.condition][:1]
    targets = {edge.to for edge in always}
    return [*(edge for edge in edges if edge.condition and edge.to not in targets), *always]


def _follow_simply(first: StepDoc, second: StepDoc, steps: list[StepDoc]) -> bool:
    leading = [step.key for step in steps for edge in step.next if edge.to == second.key]
    one_way = [edge for edge in first.next if not edge.condition] == first.next and len(first.next) == 1
    return one_way and leading == [first.key] and all(not edge.condition for edge in second.next)


def _renamed(step: StepDoc, old: str, new: str) -> StepDoc:
    spoken = re.compile(rf"\bsteps\.{re.escape(old)}\b")
    edges = [
        EdgeDoc(to=new if edge.to == old else edge.to, condition=spoken.sub(f"steps.{new}", edge.condition)) for edge in step.next
    ]
    return step.model_copy(update={"next": edges, "config": _spoken(step.config, spoken, f"steps.{new}")})


def _spoken(value: Any, spoken: re.Pattern[str], name: str) -> Any:
    match value:
        case str():
            return spoken.sub(name, value)
        case list():
            return [_spoken(each, spoken, name) for each in value]
        case dict():
            return {key: _spoken(each, spoken, name) for key, each in value.items()}
    return value
