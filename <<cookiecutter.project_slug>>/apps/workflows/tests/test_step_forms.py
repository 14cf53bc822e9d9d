"""The form of a step gives back what it was made of."""

from typing import Any

import pytest

from apps.workflows.definitions import DefinitionDoc
from apps.workflows.forms import StepForm
from apps.workflows.kinds import base

PEOPLE = {"people": ["ada@example.com"]}
REQUEST = {"url": "https://example.com"}


@pytest.mark.parametrize(
    "step",
    [
        {"kind": "approval", "config": PEOPLE, "attempts": 9, "timeout_seconds": 77},
        {"kind": "http-request", "config": REQUEST | {"body": "123"}, "attempts": 2},
        {"kind": "http-request", "config": REQUEST | {"body": '{"a": 1}'}},
        {"kind": "http-request", "config": REQUEST | {"body": {"a": [1, "x"]}}},
        {"kind": "http-request", "config": REQUEST | {"body": "plain {{ input.a }}"}},
    ],
)
def test_a_step_that_is_saved_as_it_is_stays_as_it_is(step: dict[str, Any]) -> None:
    document = DefinitionDoc.model_validate({"name": "Example", "steps": [{"key": "one", "name": "One"} | step]})
    (before,) = document.steps
    kind = base.find(before.kind)
    shown = StepForm(kind, document, before)

    sent = StepForm(kind, document, before, {field.html_name: field.value() for field in shown if field.value() is not None})

    assert sent.is_valid(), sent.errors
    assert sent.changed([]) == before
    again = {field.html_name: field.value() for field in sent}
    assert all(again[field.html_name] == field.value() for field in shown if field.html_name.startswith("config_body"))
