"""Random definitions end as a simple model predicts, and broken ones are refused. DEFINITIONS says how many are tried."""

import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from itertools import batched
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.configuration import set_hypothesis_home_dir
from temporalio.client import WorkflowFailureError

from apps.development.testing import Temporal
from apps.executions.models import Execution
from apps.temporal import histories, relay
from apps.users.models import User
from apps.workflows import services
from apps.workflows.definitions import DefinitionDoc
from apps.workflows.kinds import base
from apps.workflows.models import StepRun, Workflow
from apps.workflows.tests.broken_definitions import broken
from apps.workflows.tests.random_definitions import Example, examples, register_kinds
from apps.workflows.validation import problems

pytestmark = pytest.mark.django_db

DEFINITIONS = int(os.environ.get("DEFINITIONS", "40"))
BROKEN = max(300, DEFINITIONS)
AT_ONCE = 20
set_hypothesis_home_dir(Path(gettempdir()) / "hypothesis")
INNER = {
    "key": "end",
    "kind": "values",
    "name": "End",
    "config": {"values": {"v": "{{ input.n < 0 ? input.missing : input.n + 1 }}"}},
}


@pytest.fixture
def _kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    base.kinds()
    monkeypatch.setattr(base, "_registered", dict(base._registered))
    register_kinds()
    # A worker that still asks at the end must not keep these kinds for the next test.
    monkeypatch.setattr(base, "kinds", cache(base.kinds.__wrapped__))


@pytest.mark.usefixtures("_kinds")
def test_random_definitions_end_as_a_simple_model_predicts(
    make_workflow: Callable[..., Workflow], temporal: Temporal, owner: User
) -> None:
    make_workflow(INNER, name="Inner")
    drawn: list[Example] = []
    draw_into(drawn)

    for some in batched(drawn, AT_ONCE, strict=False):
        started = [start(example, make_workflow, owner) for example in some]
        relay.deliver_all()
        for example, execution in zip(some, started, strict=True):
            assert seen(temporal, execution) == example.predicted(), (example.input, example.document.model_dump_json())
        recorded = [temporal.run(handle_of(temporal, execution).fetch_history()) for execution in started]
        temporal.run(all_replay(recorded))


@pytest.mark.usefixtures("_kinds")
@settings(max_examples=BROKEN, database=None, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(broken())
def test_a_definition_with_one_thing_wrong_is_refused_with_the_step_named(example: tuple[DefinitionDoc, set[str]]) -> None:
    document, blamed = example

    found = problems(document)

    assert blamed & {problem.step for problem in found}, (found, document.model_dump_json())


def draw_into(drawn: list[Example]) -> None:
    @settings(max_examples=DEFINITIONS, database=None, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(examples())
    def draw(example: Example) -> None:
        drawn.append(example)

    draw()


def start(example: Example, make_workflow: Callable[..., Workflow], owner: User) -> Execution:
    document = example.document.model_dump()
    workflow = make_workflow(*document["steps"], input_schema=document["input_schema"])
    assert workflow.current is not None
    return services.start(workflow.current, values=example.input, user=owner)


def seen(temporal: Temporal, execution: Execution) -> tuple[str, list[tuple[str, str]], dict[str, Any]]:
    """What became of an execution, as the model says it."""
    with suppress(WorkflowFailureError):
        temporal.run(handle_of(temporal, execution).result())
    execution.refresh_from_db()
    runs = list(StepRun.objects.filter(execution=execution).order_by("pk"))
    outputs = {run.key: shown(run) for run in runs if run.status == "success"}
    return execution.status, [(run.key, run.status) for run in runs], outputs


def shown(run: StepRun) -> Any:
    output: Any = run.output
    match run.kind:
        case "for-each":
            return output["failed"]
        case "run-workflow":
            return output["output"]
    return output


def handle_of(temporal: Temporal, execution: Execution) -> Any:
    return temporal.client.get_workflow_handle(execution.temporal_workflow_id)


async def all_replay(recorded: Any) -> None:
    async for workflow_id, failure in histories.replay(recorded):
        assert not failure, (workflow_id, failure)
