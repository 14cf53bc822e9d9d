"""A workflow that says what it was given, and triggers of it."""

from collections.abc import Callable
from typing import Any

import pytest

from apps.schedules.tests.conftest import on_server  # noqa: F401  a fixture
from apps.triggers import services
from apps.triggers.models import Trigger
from apps.users.models import User
from apps.workflows.models import Workflow
from apps.workflows.tests.conftest import make_workflow, owner, project  # noqa: F401  fixtures

STEPS = (
    {"key": "start", "kind": "trigger", "name": "Start", "next": [{"to": "end"}]},
    {"key": "end", "kind": "values", "name": "End", "config": {"values": {"said": "{{ trigger.data }}"}}},
)
AMOUNT = {
    "type": "object",
    "properties": {"amount": {"type": "integer"}, "note": {"type": "string"}},
    "required": ["amount"],
    "additionalProperties": False,
}


@pytest.fixture
def workflow(make_workflow: Callable[..., Workflow]) -> Workflow:  # noqa: F811  the fixture
    return make_workflow(*STEPS, input_schema=AMOUNT)


@pytest.fixture
def make_trigger(workflow: Workflow, owner: User) -> Callable[..., Trigger]:  # noqa: F811  the fixture
    """A trigger of that kind; the keywords are its configuration."""

    def make(kind: str = "webhook", *, overlap: str = "allow", **config: Any) -> Trigger:
        return services.create_trigger(workflow, user=owner, kind=kind, name=f"A {kind}", config=config, overlap=overlap)

    return make
