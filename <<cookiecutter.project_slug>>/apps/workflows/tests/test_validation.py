"""A definition that could not run is not published, and the step that is wrong is named."""

from typing import Any

import pytest

from apps.workflows.definitions import DefinitionDoc
from apps.workflows.validation import problems

START = {"key": "start", "kind": "trigger", "name": "Start", "next": [{"to": "end"}]}
END = {"key": "end", "kind": "values", "name": "End", "config": {"values": {"a": "{{ input.a }}"}}}
CLOSED = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}


def found(*steps: dict[str, Any], **more: Any) -> list[tuple[str, str, str]]:
    document = DefinitionDoc.model_validate({"name": "Any", "steps": steps, **more})
    return [(problem.step, problem.field, problem.message) for problem in problems(document)]


def test_a_definition_that_can_run_has_no_problems() -> None:
    assert found(START, END, input_schema=CLOSED) == []


@pytest.mark.parametrize(
    ("steps", "step", "field", "message"),
    [
        ([], "", "", "There is no step"),
        ([START, END, END], "end", "key", "Two steps have the key end"),
        ([START], "start", "next", "There is no step end"),
        ([START, {**END, "kind": "magic"}], "end", "kind", "There is no kind of step 'magic'"),
        ([START, {**END, "config": {}}], "end", "values", "Field required"),
        ([START, {**END, "config": {"values": {}, "speed": 3}}], "end", "speed", "Extra inputs"),
        ([START, {**END, "config": {"values": {"a": "{{ nobody }}"}}}], "end", "values", "speaks of nobody"),
        ([START, {**END, "next": [{"to": "start"}]}], "start", "next", "leads back to itself"),
        ([START, END, {**END, "key": "alone"}], "alone", "", "Nothing leads to it"),
        ([END, START], "end", "", "It is the first step, and start leads to it"),
        ([START, {**END, "kind": "trigger"}], "end", "kind", "only be the first step"),
        ([START, {**END, "config": {"values": {"x": "{{ steps.later.output }}"}}}], "end", "values", "never runs before it"),
        (
            [START, {**END, "config": {"values": {"x": "{{ input.b }}"}}}],
            "end",
            "values",
            "input.b, which the input does not have",
        ),
        (
            [{**START, "next": [{"to": "end", "condition": "input.a =="}, {"to": "end"}]}, END],
            "start",
            "next",
            "is no expression",
        ),
        ([{**START, "next": [{"to": "end", "condition": "has(input.a)"}]}, END], "start", "next", "when no condition holds"),
        ([{**START, "next": [{"to": "end"}, {"to": "end"}]}, END], "start", "next", "both follow always"),
        ([START, {"key": "end", "kind": "condition", "name": "Which?"}], "end", "next", "this step does nothing else"),
        ([START, {"key": "end", "kind": "wait", "name": "Wait"}], "end", "config", "either for how many hours"),
    ],
)
def test_what_is_wrong_is_said_with_the_step_that_it_is_about(
    steps: list[dict[str, Any]], step: str, field: str, message: str
) -> None:
    problem = next((each for each in found(*steps, input_schema=CLOSED) if each[:2] == (step, field)), None)

    assert problem is not None
    assert message in problem[2]


def test_a_condition_may_speak_of_its_own_step() -> None:
    edges = [{"to": "end", "condition": "steps.start.output.a == '1'"}, {"to": "end"}]

    assert found({**START, "next": edges}, END, input_schema=CLOSED) == []


def test_a_definition_that_temporal_would_not_take_is_refused() -> None:
    long = {**END, "config": {"values": {"a": "x" * 2**20}}}

    assert "1.0 MiB and may have 1" in found(START, long)[0][2]


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "string"}, "The input is an object"),
        ({"type": "object", "properties": {"a": {"type": "text"}}}, "input.a has no type"),
        ({"type": "object", "properties": {"a": {"type": "string", "pattern": "(a+)+"}}}, "input.a has pattern"),
        ({"type": "object", "properties": {"a": {"$ref": "https://example.com"}}}, r"input.a has \$ref"),
        ({"type": "object", "properties": {"a": {"type": "string", "maxLength": "x"}}}, "input.a is no schema"),
        ({"type": "object", "required": "a"}, "input is no schema"),
    ],
)
def test_an_input_schema_that_means_nothing_or_could_do_harm_is_refused(schema: Any, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        assert found(START, END, input_schema=schema) == []
