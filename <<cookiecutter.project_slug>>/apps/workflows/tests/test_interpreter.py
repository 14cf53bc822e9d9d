"""The interpreter on a real server."""

import os
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from apps.development.testing import Temporal
from apps.executions import reconcile
from apps.executions.models import Execution
from apps.executions.services import plan_execution
from apps.users.models import User
from apps.workflows import activities, services
from apps.workflows.definitions import document_of, spec_of
from apps.workflows.kinds import base
from apps.workflows.models import StepRun, Workflow
from apps.workflows.shared import CloseInput, StepInput
from apps.workflows.tests.running import run

pytestmark = pytest.mark.django_db

AMOUNTS = {"type": "object", "properties": {"amount": {"type": "integer"}}, "required": ["amount"], "additionalProperties": False}
BRANCHING = (
    {"key": "start", "kind": "trigger", "name": "Start", "next": [{"to": "choose"}]},
    {
        "key": "choose",
        "kind": "condition",
        "name": "Large?",
        "next": [{"to": "large", "condition": "input.amount > 100"}, {"to": "small"}],
    },
    {"key": "large", "kind": "wait", "name": "Think", "config": {"hours": 0.00001}, "next": [{"to": "small"}]},
    {"key": "small", "kind": "trigger", "name": "End", "config": {"values": {"said": "{{ input.amount }} it is"}}},
)


@pytest.mark.parametrize(("amount", "way"), [(5, ["start", "choose", "small"]), (500, ["start", "choose", "large", "small"])])
def test_conditions_choose_the_way(
    make_workflow: Callable[..., Workflow], temporal: Temporal, owner: User, amount: int, way: list[str]
) -> None:
    steps = [*BRANCHING[:3], {**BRANCHING[3], "kind": "values"}]
    workflow = make_workflow(*steps, input_schema=AMOUNTS)

    execution = run(temporal, workflow, owner, {"amount": amount})

    assert list(StepRun.objects.values_list("key", "status")) == [(key, "success") for key in way]
    assert execution.status == "completed"
    assert StepRun.objects.get(key="small").output == {"said": f"{amount} it is"}
    assert dict(execution.tasks.values_list("name", "status")) == {"Start": "success", "End": "success"}
    seen = reconcile.Seen(execution.temporal_workflow_id, "defined_workflow", execution.temporal_run_id, "completed", None)
    assert reconcile._known([seen]), "each look would ask the server about it again"


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ({"kind": "wait", "config": {"until": "input.due"}}, "Wait: A wait ends at a time that there is"),
        ({"kind": "condition", "next": [{"to": "end", "condition": "input.list[3] > 5"}, {"to": "end"}]}, "index out of bounds"),
        ({"kind": "values", "config": {"values": {"x": "{{ input.list[3] }}"}}}, "index out of bounds"),
        ({"kind": "values", "config": {"values": {"x": "{{ input.far * 1e308 }}"}}}, "cannot be stored: Out of range"),
    ],
    ids=["no such day", "condition", "value", "no such number"],
)
def test_what_has_no_value_fails_the_execution(
    make_workflow: Callable[..., Workflow], temporal: Temporal, owner: User, step: dict[str, Any], reason: str
) -> None:
    end = {"key": "end", "kind": "values", "name": "End", "config": {"values": {}}}
    workflow = make_workflow({"key": "wait", "name": "Wait", "next": [{"to": "end"}], **step}, end)

    execution = run(temporal, workflow, owner, {"due": "2026-02-30T09:00:00Z", "list": [], "far": 1e308})

    assert execution.status == "failed"
    assert reason in execution.error_message
    assert StepRun.objects.get().status == "failed"


def test_what_a_step_has_done_stays_done_although_nobody_knows_where_it_leads(
    make_workflow: Callable[..., Workflow], temporal: Temporal, owner: User
) -> None:
    ways = [{"to": "end", "condition": "steps.offer.output.amount > 5"}, {"to": "end"}]
    workflow = make_workflow(
        {"key": "offer", "kind": "values", "name": "Offer", "config": {"values": {"amount": "{{ input.amount }}"}}, "next": ways},
        {"key": "end", "kind": "values", "name": "End", "config": {"values": {}}},
    )

    execution = run(temporal, workflow, owner, {"amount": "many"})

    offer = StepRun.objects.get()
    assert (execution.status, offer.status, offer.output) == ("failed", "success", {"amount": "many"})
    assert offer.error in execution.error_message
    assert "has no value" in offer.error


def test_a_wait_of_the_project_that_always_raises_fails_after_its_attempts(
    make_workflow: Callable[..., Workflow], temporal: Temporal, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(base.find("wait")), "run", lambda *_: os.environ["MOON"])
    workflow = make_workflow({"key": "wait", "kind": "wait", "name": "Wait", "config": {"hours": 1}, "attempts": 2})

    execution = run(temporal, workflow, owner)

    assert (execution.status, execution.error_message) == ("failed", "StepFailed: Wait: KeyError: 'MOON'")


def test_quotes_around_an_expression_are_text(make_workflow: Callable[..., Workflow], temporal: Temporal, owner: User) -> None:
    said = "It's ready: {{ steps.offer.output.url }}. Don't reply."
    workflow = make_workflow(
        {"key": "offer", "kind": "values", "name": "Offer", "config": {"values": {"url": "/o"}}, "next": [{"to": "end"}]},
        {"key": "end", "kind": "values", "name": "End", "config": {"values": {"said": said}}},
    )

    execution = run(temporal, workflow, owner)

    assert execution.status == "completed"
    assert StepRun.objects.get(key="end").output == {"said": "It's ready: /o. Don't reply."}


def test_expressions_see_the_same_after_a_wait_as_before(
    make_workflow: Callable[..., Workflow], temporal: Temporal, owner: User
) -> None:
    seen = {"kind": "values", "config": {"values": {
        "execution": "{{ execution.id }} {{ execution.workflow_id }} {{ execution.attempt }}",
        "workflow": "{{ workflow.project }}/{{ workflow.name }} {{ workflow.version }}",
        "source": "{{ source.type }} {{ source.id }} {{ source.data.stage }}",
        "trigger": "{{ trigger.kind }} {{ trigger.data.n }}",
        "metadata": "{{ metadata.by }}",
    }}}  # fmt: skip
    workflow = make_workflow(
        {"key": "before", "name": "Before", **seen, "next": [{"to": "wait"}]},
        {"key": "wait", "kind": "wait", "name": "Wait", "config": {"hours": 0.00001}, "next": [{"to": "after"}]},
        {"key": "after", "name": "After", **seen},
    )
    facts: dict[str, Any] = {"source_object_type": "deal", "source_object_id": "42", "source_data": {"stage": "won"}}

    execution = run(temporal, workflow, owner, trigger_payload={"n": 7}, metadata={"by": "crm"}, **facts)

    before, after = (StepRun.objects.get(key=key).output for key in ("before", "after"))
    assert (
        before
        == after
        == {
            "execution": f"{execution.pk} {execution.temporal_workflow_id} 1",
            "workflow": f"demo/{workflow.name} 1",
            "source": "deal 42 won",
            "trigger": "manual 7",
            "metadata": "crm",
        }
    )


def test_a_wait_ends_although_the_execution_was_reset_in_temporal_meanwhile(
    make_workflow: Callable[..., Workflow], owner: User
) -> None:
    workflow = make_workflow({"key": "wait", "kind": "wait", "name": "Wait", "config": {"hours": 1}})
    assert workflow.current is not None
    execution = services.start(workflow.current, values={}, user=owner)
    (step,) = spec_of(document_of(workflow.current)).steps
    activities.begin_wait(StepInput(execution_id=str(execution.pk), step=step))
    Execution.objects.filter(pk=execution.pk).update(attempt=2)

    activities.close_step(CloseInput(execution_id=str(execution.pk), key="wait"))

    runs = StepRun.objects.order_by("attempt").values_list("attempt", "kind", "name", "status")
    assert list(runs) == [(1, "wait", "Wait", "waiting"), (2, "wait", "Wait", "success")]


def test_nobody_starts_the_interpreter_with_a_definition_of_their_own(owner: User) -> None:
    with pytest.raises(ValidationError, match="There is no workflow 'defined_workflow'"):
        plan_execution(workflow="defined_workflow", values={}, user=owner)
