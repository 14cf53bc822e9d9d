"""`/api/v1/workflows/ID/execute` and `/runs`: what is started, and how far it says that it is."""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from apps.development.testing import Temporal
from apps.executions.models import Execution
from apps.temporal.models import OutboxMessage
from apps.users.models import User
from apps.workflows import exchange, services
from apps.workflows.definitions import DefinitionDoc
from apps.workflows.models import Project, StepRun, Workflow
from apps.workflows.tests.asked import DEFINITION, STEP
from apps.workflows.tests.running import finish

pytestmark = pytest.mark.django_db
Ask = Callable[..., Any]
AMOUNT = {
    "type": "object",
    "properties": {"amount": {"type": "integer", "default": 5}},
    "additionalProperties": False,
}


def value(key: str, *following: dict[str, str]) -> dict[str, Any]:
    return {**STEP, "key": key, "name": key.title(), "config": {"values": {"amount": "{{ input.amount }}"}}, "next": [*following]}


# start → choose → (a → b → c, or d) → end
BRANCHING: tuple[dict[str, Any], ...] = (
    {"key": "start", "kind": "trigger", "name": "Start", "next": [{"to": "choose"}]},
    {
        "key": "choose",
        "kind": "condition",
        "name": "Large?",
        "next": [{"to": "a", "condition": "input.amount > 100"}, {"to": "d"}],
    },
    value("a", {"to": "b"}),
    value("b", {"to": "c"}),
    value("c", {"to": "end"}),
    value("d", {"to": "end"}),
    value("end"),
)


@pytest.fixture
def workflow(make_workflow: Callable[..., Workflow]) -> Workflow:
    return make_workflow(*BRANCHING, input_schema=AMOUNT)


@pytest.fixture
def path(workflow: Workflow) -> str:
    return f"/workflows/{workflow.pk}"


@pytest.fixture
def execution(workflow: Workflow, owner: User) -> Execution:
    assert workflow.current is not None
    return services.start(workflow.current, values={}, user=owner)


def met(execution: Execution, steps: dict[str, str], *, decision: str = "") -> None:
    """As if it had come so far, with that step chosen by the condition."""
    kinds = {step["key"]: step["kind"] for step in BRANCHING}
    for key, status in steps.items():
        StepRun.objects.create(
            execution=execution,
            attempt=execution.attempt,
            key=key,
            kind=kinds[key],
            name=key,
            status=status,
            output={"from": key},
        )
    StepRun.objects.filter(execution=execution, key="choose", status="success").update(decision=decision)


def figures(answer: Any) -> tuple[str | None, int, int, bool]:
    run = answer.json()
    step = run["current_node"] and run["current_node"]["name"]
    return step, run["steps_completed"], run["steps_total"], run["steps_total_is_estimate"]


@pytest.mark.parametrize("field", ["input", "source_data", "metadata"])
def test_what_is_nested_without_end_is_refused(ask: Ask, path: str, field: str) -> None:
    deep: dict[str, Any] = {}
    for _ in range(300):
        deep = {"a": deep}

    answer = ask("POST", f"{path}/execute", {field: deep})

    assert answer.status_code == 422
    assert "cannot be stored" in answer.json()["errors"][0]["message"]


def test_execute_answers_at_once(ask: Ask, path: str) -> None:
    wanted = {"source_object_id": "42", "source_object_type": "deal", "trigger": "hubspot", "input": {"amount": 7}}

    answer = ask("POST", f"{path}/execute", wanted | {"source_data": {"stage": "won"}, "metadata": {"by": "crm"}})

    execution = Execution.objects.get(workflow="demo/example")
    assert answer.status_code == 202
    assert answer.json() == {
        "execution_id": str(execution.pk),
        "temporal_workflow_id": f"exec_{execution.pk}",
        "status": "running",
    }
    assert (execution.trigger, execution.source_object_type, execution.source_object_id) == ("hubspot", "deal", "42")
    assert execution.input == {"amount": 7}
    assert execution.context == {"trigger": {"amount": 7}, "source": {"stage": "won"}, "metadata": {"by": "crm"}}
    assert OutboxMessage.objects.filter(aggregate_id=execution.temporal_workflow_id, kind="start").count() == 1


def test_execute_needs_nothing_but_what_the_input_needs(ask: Ask, path: str) -> None:
    assert ask("POST", f"{path}/execute", {}).status_code == 202
    assert Execution.objects.get(workflow="demo/example").trigger == "manual"

    wrong: dict[str, Any]
    for wrong in ({"input": {"amount": "much"}}, {"input": {"speed": 1}}, {"input": []}, {"trigger": "moon"}):
        assert ask("POST", f"{path}/execute", wrong).status_code == 422
    refused = ask("POST", f"{path}/execute", {"input": {"amount": "much"}})
    assert [error["field"] for error in refused.json()["errors"]] == ["input.amount"]


def test_a_workflow_that_is_not_active_is_not_started(ask: Ask, path: str, workflow: Workflow, project: Project) -> None:
    draft = ask("POST", f"/projects/{project.pk}/workflows", {"definition": DEFINITION}).json()
    services.set_status(workflow, "archived")

    for refused in (ask("POST", f"{path}/execute", {}), ask("POST", f"/workflows/{draft['id']}/execute", {})):
        assert refused.status_code == 409
        assert "publish it first" in refused.json()["detail"]


def test_the_same_key_starts_one_execution(ask: Ask, path: str) -> None:
    first, again = (ask("POST", f"{path}/execute", {"input": {"amount": 1}}, Idempotency_Key="k") for _ in range(2))
    other = ask("POST", f"{path}/execute", {"input": {"amount": 2}}, Idempotency_Key="k")

    assert first.json() == again.json()
    assert other.status_code == 422
    assert Execution.objects.filter(workflow="demo/example").count() == 1


def test_definitions_are_listed_among_what_can_be_started(ask: Ask, path: str, project: Project) -> None:
    viewer = User.objects.create_user(email="viewer@example.com")
    services.set_member(project, user=viewer, role="viewer")

    listed = {each["workflow"]: each for each in ask("GET", "/workflows").json()}
    assert listed["demo/example"]["input_schema"] == AMOUNT
    assert {"demo/example"} | {each["workflow"] for each in ask("GET", "/workflows", user=viewer).json()} == set(listed)


@pytest.mark.parametrize(
    ("status", "steps", "shown"),
    [
        ("running", {}, (None, 0, 5, True)),
        ("running", {"start": "success"}, ("Start", 0, 5, True)),
        ("running", {"start": "success", "choose": "running"}, ("Large?", 0, 5, True)),
        ("running", {"start": "success", "choose": "success"}, ("Large?", 1, 3, False)),
        ("running", {"start": "success", "choose": "success", "d": "running"}, ("D", 1, 3, False)),
        ("failed", {"start": "success", "choose": "success", "d": "failed"}, ("D", 1, 3, False)),
        ("paused", {"start": "success", "choose": "success", "d": "waiting"}, ("D", 1, 3, False)),
        ("completed", dict.fromkeys(("start", "choose", "d", "end"), "success"), (None, 3, 3, False)),
    ],
)
def test_progress_is_told_in_finished_steps_without_the_entry(
    ask: Ask, execution: Execution, status: str, steps: dict[str, str], shown: Any
) -> None:
    met(execution, steps, decision="d")
    Execution.objects.filter(pk=execution.pk).update(status=status)

    answer = ask("GET", f"/workflows/{execution.run.version.workflow_id}/runs/{execution.pk}")

    assert figures(answer) == shown
    assert answer.json()["status"] == status


def test_a_run_is_told_as_documented_and_its_log_only_when_asked(ask: Ask, path: str, execution: Execution) -> None:
    met(execution, {"start": "success", "choose": "success", "d": "failed", "end": "running"}, decision="d")
    StepRun.objects.filter(key="d").update(error="No paper.")

    run = ask("GET", f"{path}/runs/{execution.pk}").json()
    logs = ask("GET", f"{path}/runs/{execution.pk}?include_logs=true").json()["execution_logs"]

    version = execution.run.version
    assert run == {
        "id": str(execution.pk),
        "workflow_id": str(version.workflow_id),
        "status": "pending",
        "current_node_id": str(version.steps.get(key="end").pk),
        "current_node": {"id": str(version.steps.get(key="end").pk), "node_type": "values", "position": 7, "name": "End"},
        "steps_completed": 1,
        "steps_total": 3,
        "steps_total_is_estimate": False,
        "temporal_workflow_id": f"exec_{execution.pk}",
        "temporal_run_id": "",
    }
    assert [(entry["node_type"], entry["status"], entry["error"]) for entry in logs] == [
        ("trigger", "success", ""),
        ("condition", "success", ""),
        ("values", "failed", "No paper."),
    ]
    assert logs[0]["output"] == {"from": "start"}
    assert set(logs[0]) == {
        "node_id", "node_type", "started_at", "completed_at", "duration_ms", "status", "output", "error",
    }  # fmt: skip


def test_a_reset_run_is_told_by_its_last_attempt(ask: Ask, path: str, execution: Execution) -> None:
    met(execution, {"start": "success", "choose": "failed"})
    execution.attempt = 2
    execution.save()
    met(execution, {"start": "success"})

    assert figures(ask("GET", f"{path}/runs/{execution.pk}")) == ("Start", 0, 5, True)


def test_runs_are_listed_newest_first_and_narrowed(
    ask: Ask, as_user: Ask, workflow: Workflow, owner: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    path = f"/workflows/{workflow.pk}"
    assert workflow.current is not None
    started = [services.start(workflow.current, values={"amount": number}, user=owner) for number in range(5)]
    met(started[0], {"start": "success", "choose": "success"}, decision="a")
    Execution.objects.filter(pk=started[0].pk).update(status="running")

    client = as_user(owner)
    with django_assert_max_num_queries(14):
        listed = client.get(f"/api/v1{path}/runs").json()
    running = ask("GET", f"{path}/runs?status=running").json()["items"]

    assert [run["id"] for run in listed["items"]] == [str(execution.pk) for execution in reversed(started)]
    assert [(run["id"], run["steps_completed"], run["steps_total"]) for run in running] == [(str(started[0].pk), 1, 5)]
    assert len(ask("GET", f"{path}/runs?limit=2").json()["items"]) == 2
    assert ask("GET", f"{path}/runs?status=sleeping").status_code == 422


def test_a_test_run_is_told_whose_draft_has_become_a_loop(ask: Ask, path: str, workflow: Workflow, owner: User) -> None:
    services.change_draft(workflow, exchange.edited_document(workflow))
    draft = workflow.versions.get(number=None)
    tested = services.start(draft, values={}, user=owner, is_test=True)
    document = DefinitionDoc.model_validate(
        {"name": "Example", "steps": [BRANCHING[0], value("choose", {"to": "a"}), value("a", {"to": "choose"})]}
    )
    services.change_draft(workflow, document)

    listed, one = ask("GET", f"{path}/runs"), ask("GET", f"{path}/runs/{tested.pk}")

    assert (listed.status_code, one.status_code) == (200, 200)
    assert one.json()["id"] == str(tested.pk)


def test_a_run_of_another_workflow_is_not_there(ask: Ask, path: str, make_workflow: Callable[..., Workflow], owner: User) -> None:
    other = make_workflow(*DEFINITION["steps"], name="Other").current
    assert other is not None
    execution = services.start(other, values={}, user=owner)

    assert ask("GET", f"{path}/runs/{execution.pk}").status_code == 404


def test_what_was_started_by_the_api_runs_to_its_end(ask: Ask, path: str, temporal: Temporal) -> None:
    started = ask("POST", f"{path}/execute", {"input": {"amount": 500}}).json()

    finish(temporal, Execution.objects.get(pk=started["execution_id"]))

    answer = ask("GET", f"{path}/runs/{started['execution_id']}?include_logs=true")
    assert (answer.json()["status"], figures(answer)) == ("completed", (None, 5, 5, False))
    assert [entry["node_type"] for entry in answer.json()["execution_logs"]] == ["trigger", "condition", *["values"] * 4]
    assert answer.json()["execution_logs"][-1]["output"] == {"amount": 500}
