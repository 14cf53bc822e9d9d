"""Definitions of many steps, and lists of many items: what they cost Temporal. STEPS and ITEMS say how many."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType

from apps.development.testing import Temporal
from apps.executions import services as executions
from apps.executions.models import Execution, TaskExecution
from apps.users.models import User
from apps.workflows.kinds import lists
from apps.workflows.kinds.lists import item_source
from apps.workflows.models import ItemFailure, ItemPart, StepRun, Workflow
from apps.workflows.tests.running import finish, run

pytestmark = pytest.mark.django_db

STEPS = int(os.environ.get("STEPS", "60"))
ITEMS = int(os.environ.get("ITEMS", "1000"))
MOST_PARTS = 250
COUNTED = {EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, EventType.EVENT_TYPE_MARKER_RECORDED}


@pytest.fixture(autouse=True)
def _numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A source of items named "numbers"."""
    monkeypatch.setattr(lists, "_sources", dict(lists._sources))

    @item_source("numbers")
    def numbers(arguments: Mapping[str, Any]) -> Iterator[int]:
        yield from range(arguments["count"])


def chain(length: int) -> list[dict[str, Any]]:
    """Steps that each add one to what the step before gave; every fortieth chooses the way by a condition."""
    steps = []
    for place in range(length):
        before = f"steps.s{place - 1}.output.value" if place else "0"
        following = [{"to": f"s{place + 1}"}] if place + 1 < length else []
        if place % 40 == 39 and place + 2 < length:
            following.append({"to": f"s{place + 2}", "condition": f"{before} < 0"})
        config = {"values": {"value": f"{{{{ {before} + 1 }}}}"}}
        steps.append({"key": f"s{place}", "kind": "values", "name": f"Step {place}", "config": config, "next": following})
    return steps


def test_a_definition_of_many_steps_costs_about_an_activity_a_step(
    make_workflow: Callable[..., Workflow], temporal: Temporal, owner: User
) -> None:
    execution = run(temporal, make_workflow(*chain(STEPS)), owner)

    done, runs = activities(temporal, execution)
    assert StepRun.objects.get(key=f"s{STEPS - 1}").output == {"value": STEPS}
    assert execution.status == "completed"
    assert runs > 1, "no run continued another: the server of the tests suggests it after 50 events"
    assert done <= 1.2 * STEPS
    assert TaskExecution.objects.filter(status="success").count() == STEPS


def test_a_reset_from_the_beginning_does_so_however_often_it_was_continued(
    make_workflow: Callable[..., Workflow], temporal: Temporal, owner: User
) -> None:
    steps = chain(12)
    steps[-1] |= {"config": {"values": {"value": "{{ input.missing }}"}}}
    execution = run(temporal, make_workflow(*steps), owner)
    assert execution.status == "failed"

    executions.reset_execution(execution, user=owner, to="start")
    finish(temporal, execution)

    again = StepRun.objects.filter(attempt=2)
    assert list(again.values_list("key", flat=True)) == [f"s{place}" for place in range(12)]
    assert not again.filter(is_reused=True).exists()


def test_a_reset_from_the_failed_step_takes_over_what_was_done(
    make_workflow: Callable[..., Workflow], temporal: Temporal, owner: User
) -> None:
    steps = chain(12)
    steps[-1] |= {"config": {"values": {"value": "{{ input.missing }}"}}}
    execution = run(temporal, make_workflow(*steps), owner)
    Execution.objects.update(input={"missing": 7})

    executions.reset_execution(execution, user=owner)
    finish(temporal, execution)

    again = Counter(StepRun.objects.filter(attempt=2).values_list("status", "is_reused"))
    assert (execution.status, again) == ("completed", {("success", True): 11, ("success", False): 1})


def test_a_long_list_has_a_bounded_history_and_every_failure_is_listed(
    make_workflow: Callable[..., Workflow], temporal: Temporal, owner: User
) -> None:
    """One item of a hundred fails: it divides by zero. ITEMS=100000 is the whole of it."""
    do = {"kind": "values", "config": {"values": {"v": "{{ 1 / (item % 100) }}"}}}
    config = {"source": "numbers", "arguments": {"count": ITEMS}, "do": do, "allowed_failures": "1 %"}

    execution = run(
        temporal, make_workflow({"key": "all", "kind": "for-each", "name": "All", "config": config}), owner, timeout=600
    )

    step = StepRun.objects.get()
    assert (execution.status, step.items_total, step.items_done, step.items_failed) == ("completed", ITEMS, ITEMS, ITEMS // 100)
    assert list(ItemFailure.objects.values_list("index", flat=True)) == list(range(0, ITEMS, 100))
    assert ItemPart.objects.count() <= MOST_PARTS
    done, runs = activities(temporal, execution)
    # Each run looks at the beginning at what is left.
    assert done <= ItemPart.objects.count() + 3 * runs


def activities(temporal: Temporal, execution: Execution) -> tuple[int, int]:
    """How many activities an execution had, local ones too, and in how many runs."""
    counted, runs = 0, 0
    run_id = temporal.run(temporal.client.get_workflow_handle(execution.temporal_workflow_id).describe()).run_id
    while run_id:
        handle = temporal.client.get_workflow_handle(execution.temporal_workflow_id, run_id=run_id)
        events = temporal.run(handle.fetch_history()).events
        counted += sum(event.event_type in COUNTED for event in events)
        runs += 1
        run_id = events[0].workflow_execution_started_event_attributes.continued_execution_run_id
    return counted, runs
