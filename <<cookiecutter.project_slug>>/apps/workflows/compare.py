"""What is different between two versions, told in steps and their fields."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from apps.workflows.definitions import DefinitionDoc, EdgeDoc, StepDoc
from apps.workflows.fields import as_line
from apps.workflows.kinds import base

END = "end"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A value that was one and is another. Both are texts as people read them, empty where there is none."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class Change:
    """What became of a step, or of the whole where `key` is empty: added, removed or changed."""

    what: str
    name: str
    key: str = ""
    differences: tuple[Difference, ...] = ()


def changes(old: DefinitionDoc, new: DefinitionDoc) -> list[Change]:
    """Everything that is different, in the order of the new version; what was removed comes last."""
    before, after = ({step.key: step for step in document.steps} for document in (old, new))
    found = []
    if differences := tuple(_between(_facts_of_input(old), _facts_of_input(new))):
        found.append(Change(what="changed", name="Input", differences=differences))
    for key, step in after.items():
        if key not in before:
            found.append(Change(what="added", key=key, name=step.name, differences=tuple(_between({}, _facts(step, after)))))
        elif differences := tuple(_between(_facts(before[key], before), _facts(step, after))):
            found.append(Change(what="changed", key=key, name=step.name, differences=differences))
    removed = (step for key, step in before.items() if key not in after)
    return [*found, *(Change(what="removed", key=step.key, name=step.name) for step in removed)]


def _between(old: dict[str, str], new: dict[str, str]) -> Iterator[Difference]:
    for field in new | old:
        if (before := old.get(field, "")) != (after := new.get(field, "")):
            yield Difference(field=field, before=before, after=after)


def _facts_of_input(document: DefinitionDoc) -> dict[str, str]:
    fields = document.input_schema.get("properties", {})
    required = document.input_schema.get("required", [])
    facts = {f"Field {name}": _text(field) + (" needed" if name in required else "") for name, field in fields.items()}
    return facts | {"Order of the fields": ", ".join(fields)}


def _facts(step: StepDoc, steps: Mapping[str, StepDoc]) -> dict[str, str]:
    kind = base.kinds().get(step.kind)
    facts = {"Name": step.name, "Kind": kind.shown if kind else step.kind}
    facts |= {name.replace("_", " ").capitalize(): _text(value) for name, value in step.config.items()}
    facts |= {
        "Time limit": f"{step.timeout_seconds} s" if step.timeout_seconds else "",
        "Attempts": str(step.attempts or ""),
        "First retry": f"after {step.first_retry_seconds} s" if step.first_retry_seconds else "",
        "What follows": "\n".join(_edge(edge, steps) for edge in step.next) or END,
    }
    return facts


def _edge(edge: EdgeDoc, steps: Mapping[str, StepDoc]) -> str:
    name = steps[edge.to].name if edge.to in steps else edge.to
    return f"{name}, if {edge.condition}" if edge.condition else name


def _text(value: Any) -> str:
    match value:
        case str():
            return value
        case None:
            return ""
        case list():
            return "\n".join(map(as_line, value))
        case dict():
            return "\n".join(f"{name}: {as_line(each)}" for name, each in value.items())
    return as_line(value)
