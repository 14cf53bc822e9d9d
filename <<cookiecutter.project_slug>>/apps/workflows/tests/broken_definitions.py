"""Definitions that were valid and have one thing wrong, with the keys of the steps that it may be blamed on."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from apps.workflows.definitions import DefinitionDoc
from apps.workflows.tests.random_definitions import examples

type Steps = list[dict[str, Any]]
# Gives the keys of the steps that may be blamed for what it did to the step of that place.
type Fault = Callable[[Steps, int], set[str]]
END: dict[str, Any] = {"key": "new", "kind": "values", "name": "New", "config": {"values": {"v": 1}}, "next": []}


def unknown_kind(steps: Steps, place: int) -> set[str]:
    steps[place]["kind"] = "unheard-of"
    return {steps[place]["key"]}


def unknown_field(steps: Steps, place: int) -> set[str]:
    steps[place]["config"]["surprise"] = 1
    return {steps[place]["key"]}


def nowhere(steps: Steps, place: int) -> set[str]:
    steps[place]["next"].append({"to": "nowhere", "condition": "input.flag"})
    return {steps[place]["key"]}


def loop(steps: Steps, place: int) -> set[str]:
    following = [edge["to"] for edge in steps[place]["next"]]
    back = next((step for step in steps if step["key"] in following), steps[place])
    always = "" if not back["next"] else "input.flag"
    back["next"].append({"to": steps[place]["key"], "condition": always})
    return {back["key"], steps[place]["key"]}


def same_key(steps: Steps, place: int) -> set[str]:
    steps.append({**END, "key": steps[place]["key"]})
    return {steps[place]["key"]}


def unreachable(steps: Steps, place: int) -> set[str]:
    steps.insert(place + 1, {**END, "next": [{"to": steps[place]["key"], "condition": ""}]})
    return {"new", steps[0]["key"]}


def second_trigger(steps: Steps, place: int) -> set[str]:
    steps[place] |= {"next": [{"to": "new", "condition": ""}]}
    steps.append({**END, "kind": "trigger"})
    return {"new", *(step["key"] for step in steps)}


def two_always(steps: Steps, place: int) -> set[str]:
    steps.append(END)
    steps[place]["next"] += [{"to": "new", "condition": ""}, {"to": "new", "condition": ""}]
    return {steps[place]["key"]}


def no_default(steps: Steps, place: int) -> set[str]:
    steps.append(END)
    steps[place]["next"] = [{"to": "new", "condition": "input.flag"}]
    return {steps[place]["key"]}


def condition(text: str) -> Fault:
    def wrong(steps: Steps, place: int) -> set[str]:
        steps.append(END)
        steps[place]["next"].insert(0, {"to": "new", "condition": text})
        return {steps[place]["key"]}

    return wrong


def value(text: str) -> Fault:
    def wrong(steps: Steps, place: int) -> set[str]:
        steps[place] |= {"kind": "values", "config": {"values": {"deep": [{"v": f"so: {{{{ {text} }}}}"}]}}}
        return {steps[place]["key"]}

    return wrong


EXPRESSIONS = [
    "input.",
    "wrong.n > 1",
    "system('x')",
    "input.missing > 1",
    "steps.new.output > 1",
    "item > 1",
    "",
    "1 +",
    "__x__",
]
FAULTS: list[Fault] = [
    unknown_kind,
    unknown_field,
    nowhere,
    loop,
    same_key,
    unreachable,
    second_trigger,
    two_always,
    no_default,
    *(condition(text) for text in EXPRESSIONS if text),
    *(value(text) for text in EXPRESSIONS),
]


@st.composite
def broken(draw: Any) -> tuple[DefinitionDoc, set[str]]:
    """A definition with one thing wrong, and the keys of the steps that may be blamed."""
    document = draw(examples()).document.model_dump()
    place = draw(st.integers(0, len(document["steps"]) - 1))
    blamed = draw(st.sampled_from(FAULTS))(document["steps"], place)
    return DefinitionDoc.model_validate(document), blamed
