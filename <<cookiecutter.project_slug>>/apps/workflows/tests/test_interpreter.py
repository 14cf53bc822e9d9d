"""The interpreter on a real server."""

from collections.abc import Callable

import pytest
from django.core.exceptions import ValidationError

from apps.development.testing import Temporal
from apps.executions import reconcile
from apps.executions.models import Execution
from apps.executions.services import plan_execution
from apps.temporal import relay
from apps.users.models import User
from apps.workflows import services
from apps.workflows.models import StepRun, Workflow

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
    assert workflow.current is not None

    execution = services.start(workflow.current, values={"amount": amount}, user=owner)
    finish(temporal, execution)

    assert list(StepRun.objects.values_list("key", "status")) == [(key, "success") for key in way]
    assert execution.status == "completed"
    assert StepRun.objects.get(key="small").output == {"said": f"{amount} it is"}
    assert dict(execution.tasks.values_list("name", "status")) == {"Start": "success", "End": "success"}
    seen = reconcile.Seen(execution.temporal_workflow_id, "defined_workflow", execution.temporal_run_id, "completed", None)
    assert reconcile._known([seen]), "each look would ask the server about it again"


def test_nobody_starts_the_interpreter_with_a_definition_of_their_own(owner: User) -> None:
    with pytest.raises(ValidationError, match="There is no workflow 'defined_workflow'"):
        plan_execution(workflow="defined_workflow", values={}, user=owner)


def finish(temporal: Temporal, execution: Execution) -> None:
    """Send what waits, and wait for the end."""
    relay.deliver_all()
    temporal.run(temporal.client.get_workflow_handle(execution.temporal_workflow_id).result())
    execution.refresh_from_db()
