"""Random definitions, each with the end that a simple model predicts of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone
from hypothesis import strategies as st
from temporalio import activity

from apps.approvals.shared import Asked
from apps.workflows.definitions import DefinitionDoc
from apps.workflows.kinds.base import Kind, KindConfig, StepContext, StepError, register

FIELDS = {"n": {"type": "integer"}, "flag": {"type": "boolean"}, "word": {"type": "string"}}
SCHEMA = {"type": "object", "properties": FIELDS, "required": list(FIELDS), "additionalProperties": False}
INPUTS = st.fixed_dictionaries({
    "n": st.integers(-5, 5),
    "flag": st.booleans(),
    "word": st.sampled_from(["", "a", "ab", "b", "it's", "ü"]),
})  # fmt: skip


class NoValue(Exception):  # noqa: N818  no error: what the model says of an expression
    """An expression has no value here."""


@dataclass(frozen=True)
class State:
    """What the model knows while it walks: the input, and what each step gave."""

    input: Mapping[str, Any]
    outputs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Example:
    """A definition, an input for it, and what the conditions of its edges mean, by their texts."""

    document: DefinitionDoc
    input: dict[str, Any]
    conditions: dict[str, Callable[[State], bool]]

    def predicted(self) -> tuple[str, list[tuple[str, str]], dict[str, Any]]:
        """The status at the end, each step that was run with its status, and what those gave that went well."""
        state, steps = State(self.input), {step.key: step for step in self.document.steps}
        way: list[tuple[str, str]] = []
        step = self.document.steps[0]
        while True:
            try:
                state.outputs[step.key] = effect(step.kind, step.config, state)
                following = self._following(step.next, state)
            except NoValue:
                state.outputs.pop(step.key, None)
                return "failed", [*way, (step.key, "failed")], state.outputs
            way.append((step.key, "success"))
            if not following:
                return "completed", way, state.outputs
            step = steps[following]

    def _following(self, edges: Any, state: State) -> str:
        for edge in edges:
            if edge.condition and self.conditions[edge.condition](state):
                return str(edge.to)
        return next((edge.to for edge in edges if not edge.condition), "")


def effect(kind: str, config: Mapping[str, Any], state: State) -> Any:
    """What a step gives, by the model. Raises NoValue where it fails."""
    match kind:
        case "trigger":
            return dict(state.input)
        case "values":
            return {"v": state.input["n"] + int(config["values"]["v"].split("+")[1].strip(" }"))}
        case "answered" if config["status"] == "rejected":
            raise NoValue
        case "answered":
            return {"status": config["status"]}
        case "for-each":
            divisors = [int(each) for each in config["items"].strip("[]").split(", ") if each]
            if divisors.count(0) > int(config["allowed_failures"]):
                raise NoValue
            return divisors.count(0)
        case "run-workflow" if state.input["n"] < 0:
            raise NoValue
        case "run-workflow":
            return {"v": state.input["n"] + 1}
        case "fail":
            raise NoValue
    return None


def register_kinds() -> None:
    """Kinds of steps that end as their configuration says."""

    @register
    class AnsweredKind(Kind):
        """Ask somebody who has answered already."""

        name, flow = "answered", "people"

        class Config(KindConfig):
            status: str

        def run(self, config: Any, step: StepContext) -> Asked:
            return Asked(id=config.status, kind="approval", status=config.status, expires_at=timezone.now())

        def output(self, asked_id: str) -> Any:
            return {"status": asked_id}

    @register
    class FailKind(Kind):
        """Fail for good."""

        name = "fail"

        def run(self, config: Any, step: StepContext) -> Any:
            raise StepError("as it was told")

    @register
    class ShakyKind(Kind):
        """Fail once."""

        name = "shaky"

        def run(self, config: Any, step: StepContext) -> None:
            if activity.info().attempt == 1:
                raise TimeoutError("not now")


def values_step(number: int) -> tuple[str, dict[str, Any]]:
    return "values", {"values": {"v": f"{{{{ input.n + {number} }}}}"}}


KINDS: st.SearchStrategy[tuple[str, dict[str, Any]]] = st.one_of(
    st.integers(0, 9).map(values_step),
    st.just(("condition", {})),
    st.just(("condition", {})),
    st.just(("wait", {"hours": 0.000005})),
    st.sampled_from(["approved", "approved", "rejected"]).map(lambda status: ("answered", {"status": status})),
    st.builds(
        lambda items, allowed: (
            "for-each",
            {
                "items": f"[{', '.join(map(str, items))}]",
                "do": {"kind": "values", "config": {"values": {"v": "{{ 6 / item }}"}}},
                "allowed_failures": str(allowed),
            },
        ),
        st.lists(st.integers(0, 3), max_size=15),
        st.integers(0, 4),
    ),
    st.just(("run-workflow", {"workflow": "demo/inner", "input": {"n": "{{ input.n }}"}})),
    st.sampled_from(["shaky", "fail", "values", "values"]).map(lambda kind: (kind, {}) if kind != "values" else values_step(0)),
)


@st.composite
def conditions(draw: Any, before: list[tuple[str, str]]) -> tuple[str, Callable[[State], bool]]:
    """A text and what it means. It may speak of a step before it that another way leads around: then it may have no value."""
    number = draw(st.integers(-3, 3))
    atoms: list[tuple[str, Callable[[State], bool]]] = [
        (f"input.n > {number}", lambda state: state.input["n"] > number),
        (f"input.n == {number}", lambda state: state.input["n"] == number),
        ("input.flag", lambda state: bool(state.input["flag"])),
        ("!input.flag && input.word.startsWith('a')", lambda state: not state.input["flag"] and state.input["word"][:1] == "a"),
        ("input.word in ['a', 'ü'] || input.n == 2", lambda state: state.input["word"] in {"a", "ü"} or state.input["n"] == 2),
        ('input.word.contains("\'")', lambda state: "'" in state.input["word"]),
    ]
    atoms += [(f"steps.{key}.output.v > {number}", _speaks_of(key, number)) for key, kind in before if kind == "values"]
    return draw(st.sampled_from(atoms))  # type: ignore[no-any-return]  # draw gives Any


def _speaks_of(key: str, number: int) -> Callable[[State], bool]:
    def holds(state: State) -> bool:
        if key not in state.outputs:
            raise NoValue
        return int(state.outputs[key]["v"]) > number

    return holds


@st.composite
def examples(draw: Any, most: int = 9) -> Example:
    """A definition that is valid: every step can be reached, and every edge leads forward."""
    kinds = [("trigger", {}), *draw(st.lists(KINDS, max_size=most))]
    while kinds[-1][0] == "condition":
        kinds[-1] = values_step(1)
    targets: list[list[int]] = [[] for _ in kinds]
    for place in range(1, len(kinds)):
        targets[draw(st.integers(0, place - 1))].append(place)
        if draw(st.booleans()):
            targets[draw(st.integers(0, place - 1))].append(place)
    known: dict[str, Callable[[State], bool]] = {}
    before: list[set[int]] = [set() for _ in kinds]
    steps = []
    for place, (kind, config) in enumerate(kinds):
        if kind == "condition" and not targets[place]:
            targets[place] = [len(kinds) - 1]
        ahead = list(dict.fromkeys(targets[place]))
        always = draw(st.sampled_from(ahead)) if ahead else None
        seen = [(f"s{each}", kinds[each][0]) for each in sorted({*before[place], place})]
        edges = []
        for target in ahead:
            before[target] |= {place, *before[place]}
            text, holds = ("", lambda _: True) if target == always else draw(conditions(seen))
            known[text] = holds
            edges.append({"to": f"s{target}", "condition": text})
        steps.append({"key": f"s{place}", "kind": kind, "name": f"Step {place}", "config": config, "next": edges})
    document = DefinitionDoc.model_validate({"name": "Random", "input_schema": SCHEMA, "steps": steps})
    return Example(document, draw(INPUTS), known)
