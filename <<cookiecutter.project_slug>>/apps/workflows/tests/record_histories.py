"""Records the interpreter's histories: `pytest apps/workflows/tests/record_histories.py`. When to: tests/record_histories.py."""

import json
from collections.abc import Callable
from threading import Event
from typing import Any

import pytest
from temporalio.client import Client

from apps.approvals.models import PeopleRequest
from apps.approvals.services import decide
from apps.development.testing import PATIENCE, ROOT, EventLoopThread, Temporal
from apps.executions.models import Execution
from apps.temporal import histories, relay
from apps.temporal.plugin import DjangoPlugin
from apps.users.models import User
from apps.workflows import services
from apps.workflows.kinds import flow
from apps.workflows.models import Workflow
from apps.workflows.tests.running import finish, run

pytestmark = pytest.mark.django_db

FOLDER = ROOT / "apps" / "workflows" / "tests" / "histories"
SECOND = 1 / 3600
EACH: dict[str, Any] = {
    "items": "[1, 2, 3, 4, 5]",
    "do": {"kind": "values", "config": {"values": {"v": "{{ item }}"}}},
    "at_once": 2,
}

type Make = Callable[..., Workflow]


@pytest.fixture(scope="session")
def temporal_client(temporal_server: str, loop_thread: EventLoopThread) -> Client:
    """A client, and with it a worker, whose name in the histories is not that of this machine."""
    return loop_thread.run(Client.connect(temporal_server, plugins=[DjangoPlugin()], identity="recorder"))


def record(temporal: Temporal, execution: Execution, case: str, *, run_id: str | None = None) -> None:
    """Write the history of one run, without what names this machine and is not replayed: who started it, where it failed."""
    handle = temporal.client.get_workflow_handle(execution.temporal_workflow_id, run_id=run_id)
    history = json.loads(histories.as_fixture(temporal.run(handle.fetch_history())))
    FOLDER.mkdir(exist_ok=True)
    text = json.dumps(without_machine(history), indent=1, sort_keys=True, ensure_ascii=False)
    (FOLDER / f"DefinedWorkflow-{case}.json").write_text(f"{text}\n")


def without_machine(value: Any) -> Any:
    match value:
        case dict():
            others = {key: without_machine(each) for key, each in value.items() if key != "stackTrace"}
            return others | ({"identity": "recorder"} if "@" in value.get("identity", "") else {})
        case list():
            return [without_machine(each) for each in value]
    return value


def step(key: str, kind: str, following: str = "", **config: Any) -> dict[str, Any]:
    edges = [{"to": following}] if following else []
    return {"key": key, "kind": kind, "name": key.capitalize(), "config": config, "next": edges}


def values(key: str, following: str = "", value: str = "1") -> dict[str, Any]:
    return step(key, "values", following, values={"value": value})


def started(make_workflow: Make, owner: User, *steps: dict[str, Any]) -> Execution:
    version = make_workflow(*steps).current
    assert version is not None
    execution = services.start(version, values={}, user=owner)
    relay.deliver_all()
    return execution


def waits_for(temporal: Temporal, execution: Execution, attribute: str) -> None:
    """Wait until the history has such an event."""

    async def seen() -> None:
        handle = temporal.client.get_workflow_handle(execution.temporal_workflow_id)
        async for event in handle.fetch_history_events(wait_new_event=True):
            if event.HasField(attribute):  # type: ignore[arg-type]  # one of many literals
                return

    temporal.run(seen())


def test_every_way_of_going_about_a_step(make_workflow: Make, temporal: Temporal, owner: User) -> None:
    make_workflow(values("end"), name="Inner")
    choose = step("choose", "condition")
    choose["next"] = [{"to": "pause", "condition": "input.n > 1"}, {"to": "inner"}]
    steps = [step("start", "trigger", "choose"), choose, step("pause", "wait", "inner", hours=SECOND / 10)]
    inner = step("inner", "run-workflow", "all", workflow="demo/inner")

    execution = run(temporal, make_workflow(*steps, inner, step("all", "for-each", **EACH)), owner, {"n": 2})

    assert execution.status == "completed"
    record(temporal, execution, "completed")


@pytest.mark.parametrize("decision", ["approved", "rejected"])
def test_people_answer(make_workflow: Make, temporal: Temporal, owner: User, decision: str) -> None:
    ask = step("ask", "approval", "end", people=["ada@example.com"], remind_after_hours=[SECOND])
    execution = started(make_workflow, owner, ask, values("end"))
    waits_for(temporal, execution, "timer_started_event_attributes")

    decide(PeopleRequest.objects.get().people.get(), decision)
    finish(temporal, execution)

    assert execution.status == ("completed" if decision == "approved" else "failed")
    record(temporal, execution, decision)


def test_nobody_answers(make_workflow: Make, temporal: Temporal, owner: User) -> None:
    config: dict[str, Any] = {"people": ["ada@example.com"], "remind_after_hours": [SECOND / 4], "timeout_hours": SECOND / 2}

    execution = run(temporal, make_workflow(step("ask", "approval", **config)), owner)

    assert execution.status == "failed"
    record(temporal, execution, "expired")


def test_somebody_cancels_it(make_workflow: Make, temporal: Temporal, owner: User) -> None:
    execution = started(make_workflow, owner, values("first", "pause"), step("pause", "wait", hours=1))
    waits_for(temporal, execution, "timer_started_event_attributes")

    temporal.run(temporal.client.get_workflow_handle(execution.temporal_workflow_id).cancel())
    finish(temporal, execution)

    assert execution.status == "canceled"
    record(temporal, execution, "cancelled")


def test_somebody_cancels_it_between_items(
    make_workflow: Make, temporal: Temporal, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go = Event(), Event()

    def stop_once(self: Any, config: Any, context: Any) -> Any:
        begun.set()
        assert go.wait(PATIENCE)
        return {}

    monkeypatch.setattr(flow.ValuesKind, "run", stop_once)
    execution = started(make_workflow, owner, step("all", "for-each", **EACH))
    assert begun.wait(PATIENCE)

    temporal.run(temporal.client.get_workflow_handle(execution.temporal_workflow_id).cancel())
    go.set()
    finish(temporal, execution)

    assert execution.status == "canceled"
    record(temporal, execution, "cancelled-between-items")


def test_a_step_fails(make_workflow: Make, temporal: Temporal, owner: User) -> None:
    make_workflow(values("end", value="{{ input.missing }}"), name="Inner")

    execution = run(temporal, make_workflow(step("inner", "run-workflow", workflow="demo/inner")), owner)

    assert execution.status == "failed"
    record(temporal, execution, "failed")


def test_a_run_continues_another(make_workflow: Make, temporal: Temporal, owner: User) -> None:
    steps = [values(f"s{place}", f"s{place + 1}") for place in range(9)]
    items = {**EACH, "items": f"{[*range(14)]}"}

    execution = run(temporal, make_workflow(*steps, step("s9", "for-each", **items)), owner)

    assert execution.status == "completed"
    handle = temporal.client.get_workflow_handle(execution.temporal_workflow_id)
    latest = temporal.run(handle.describe()).run_id
    before, runs = latest, [latest]
    while before:
        events = temporal.run(temporal.client.get_workflow_handle(handle.id, run_id=before).fetch_history()).events
        before = events[0].workflow_execution_started_event_attributes.continued_execution_run_id
        runs += [before] if before else []
    for number, run_id in enumerate(reversed(runs), start=1):
        record(temporal, execution, f"continued-{number}", run_id=run_id)
