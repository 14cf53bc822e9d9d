"""Workflows that run other workflows."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission

from apps.development.testing import PATIENCE, Temporal
from apps.executions import services as executions
from apps.executions.models import Execution
from apps.temporal import relay
from apps.users.models import User
from apps.workflows import children, services
from apps.workflows.definitions import DefinitionDoc
from apps.workflows.kinds.base import StepError
from apps.workflows.models import Run, StepRun, Workflow
from apps.workflows.starting import MAX_DEPTH
from apps.workflows.tests.running import finish, run
from tests.installation import wait_until

pytestmark = pytest.mark.django_db

NUMBERS = {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]}
FIRST = {"key": "double", "kind": "values", "name": "Double", "config": {"values": {"twice": "{{ input.number * 2 }}"}}}


def values(key: str, value: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "kind": "values", "name": key.capitalize(), "config": {"values": {"value": value}}, **more}


def runs(workflow: str, key: str = "other", **config: Any) -> dict[str, Any]:
    return {"key": key, "kind": "run-workflow", "name": "Run it", "config": {"workflow": workflow, **config}}


def child_of(parent: Execution) -> Execution:
    return Execution.objects.get(trigger_ref=parent.temporal_workflow_id)


def test_a_workflow_runs_another_one_and_uses_what_it_gave(
    make_workflow: Callable[..., Workflow], temporal: Temporal, owner: User
) -> None:
    make_workflow(FIRST, name="Double", input_schema=NUMBERS)
    step = runs("demo/double", input={"number": "{{ input.n }}"})
    workflow = make_workflow(
        {**step, "next": [{"to": "end"}]}, values("end", "{{ steps.other.output.output.twice + 1 }}"), name="Outer"
    )

    parent = run(temporal, workflow, owner, {"n": 4}, source_object_id="7", source_object_type="deal")

    child = child_of(parent)
    assert (parent.status, child.status, child.workflow, child.user) == ("completed", "completed", "demo/double", owner)
    assert StepRun.objects.get(execution=parent, key="end").output == {"value": 9}
    assert (Run.objects.get(pk=child.pk).depth, child.source_object_type, child.source_object_id) == (1, "deal", "7")


def test_a_child_that_failed_goes_on_where_it_was_when_its_parent_is_reset(
    make_workflow: Callable[..., Workflow], temporal: Temporal, owner: User
) -> None:
    make_workflow(values("first", "1", next=[{"to": "second"}]), values("second", "{{ input.there }}"), name="Inner")
    parent = run(temporal, make_workflow(runs("demo/inner"), name="Outer"), owner)
    child = child_of(parent)
    assert (parent.status, child.status) == ("failed", "failed")
    assert "there is no there" in parent.error_message
    assert StepRun.objects.get(execution=parent).status == "failed"

    Execution.objects.filter(pk=child.pk).update(input={"there": "now"})
    executions.reset_execution(parent, user=owner)
    finish(temporal, parent)

    child.refresh_from_db()
    assert (parent.status, child.status, child.attempt) == ("completed", "completed", 2)
    again = StepRun.objects.filter(execution=child, attempt=2)
    assert dict(again.values_list("key", "is_reused")) == {"first": True, "second": False}


@pytest.mark.parametrize("is_awaited", [True, False])
def test_a_step_that_is_repeated_has_one_child(make_workflow: Callable[..., Workflow], owner: User, is_awaited: bool) -> None:
    make_workflow(FIRST, name="Double", input_schema=NUMBERS)
    version = make_workflow(runs("demo/double"), name="Outer").current
    assert version is not None
    parent = services.start(version, values={}, user=owner)

    for _ in range(2):
        children.prepare(parent, place="one", workflow="demo/double", values={"number": 1}, is_awaited=is_awaited)
        children.start_alone(parent, place="all:0", workflow="demo/double", values={"number": 1})

    assert Execution.objects.filter(trigger_ref=parent.temporal_workflow_id).count() == 2


def test_nobody_waits_for_what_is_not_to_be_waited_for(
    make_workflow: Callable[..., Workflow], temporal: Temporal, owner: User
) -> None:
    make_workflow({"key": "wait", "kind": "wait", "name": "Wait", "config": {"hours": 1}}, name="Slow")

    parent = run(temporal, make_workflow(runs("demo/slow", wait=False), name="Outer"), owner)

    child = child_of(parent)
    assert (parent.status, child.is_open) == ("completed", True)
    relay.deliver_all()
    temporal.run(temporal.client.get_workflow_handle(child.temporal_workflow_id).terminate())


def test_a_child_that_nobody_waits_for_is_started_also_when_its_step_is_tried_twice(
    make_workflow: Callable[..., Workflow], temporal: Temporal, owner: User
) -> None:
    make_workflow(FIRST, name="Double", input_schema=NUMBERS)
    version = make_workflow(runs("demo/double"), name="Outer").current
    assert version is not None
    parent = services.start(version, values={}, user=owner)

    # As by a worker that is killed after the first, before the server has its answer.
    first, again = (
        children.prepare(parent, place="other", workflow="demo/double", values={"number": 4}, is_awaited=False) for _ in range(2)
    )
    child = child_of(parent)
    finish(temporal, child)

    assert (first.is_done, first.is_awaited, first) == (True, False, again)
    assert (child.status, children.told_of(first.workflow_id)["output"]) == ("completed", {"twice": 8})


def test_a_child_that_nobody_waits_for_is_tried_again_when_its_step_is(
    make_workflow: Callable[..., Workflow], temporal: Temporal, owner: User
) -> None:
    make_workflow(values("end", "{{ input.there }}"), name="Inner")
    parent = run(temporal, make_workflow(runs("demo/inner", wait=False)), owner)
    child = child_of(parent)
    finish(temporal, child)
    assert (parent.status, child.status) == ("completed", "failed")

    Execution.objects.filter(pk=child.pk).update(input={"there": "now"})
    for _ in range(2):
        children.prepare(parent, place="other", workflow="demo/inner", values={}, is_awaited=False)
    finish(temporal, child)

    assert (child.status, child.attempt) == ("completed", 2)


def test_a_cancel_of_the_parent_reaches_the_child(
    make_workflow: Callable[..., Workflow], temporal: Temporal, owner: User
) -> None:
    make_workflow({"key": "wait", "kind": "wait", "name": "Wait", "config": {"hours": 1}}, name="Slow")
    parent = started(temporal, make_workflow(runs("demo/slow"), name="Outer"), owner)
    until_it_waits()

    executions.cancel_execution(parent, user=owner)
    finish(temporal, parent)

    assert (parent.status, child_of(parent).status) == ("canceled", "canceled")
    assert set(StepRun.objects.values_list("status", flat=True)) == {"canceled"}


def test_a_child_that_was_canceled_by_itself_fails_its_parent(
    make_workflow: Callable[..., Workflow], temporal: Temporal, owner: User
) -> None:
    make_workflow({"key": "wait", "kind": "wait", "name": "Wait", "config": {"hours": 1}}, name="Slow")
    parent = started(temporal, make_workflow(runs("demo/slow"), name="Outer"), owner)
    until_it_waits()

    executions.cancel_execution(child_of(parent), user=owner)
    finish(temporal, parent)

    assert (parent.status, child_of(parent).status) == ("failed", "canceled")


def test_a_workflow_that_runs_itself_is_stopped(make_workflow: Callable[..., Workflow], temporal: Temporal, owner: User) -> None:
    parent = run(temporal, make_workflow(runs("demo/again"), name="Again"), owner)

    assert f"Workflows run workflows {MAX_DEPTH} deep at most" in parent.error_message
    found = Execution.objects.filter(workflow="demo/again")
    assert list(found.values_list("status", flat=True)) == ["failed"] * (MAX_DEPTH + 1)


def test_a_workflow_runs_what_its_publisher_may_start_and_no_more(
    make_workflow: Callable[..., Workflow], temporal: Temporal, owner: User
) -> None:
    stranger = User.objects.create_user(email="stranger@example.com", password="only-for-tests")
    theirs = services.create_project(name="Theirs", owner=stranger)
    document = DefinitionDoc.model_validate({"name": "Hidden", "steps": [values("end", "1")]})
    hidden = services.create_workflow(theirs, user=stranger, document=document)
    services.publish(hidden, user=stranger)

    foreign = run(temporal, make_workflow(runs(hidden.full_name), name="One"), owner)
    code = run(temporal, make_workflow(runs("batch_processing", input={"batch_id": "one"}), name="Two"), owner)

    assert "There is no workflow 'theirs/hidden'" in foreign.error_message
    assert "may not start batch_processing" in code.error_message


def test_a_test_run_acts_for_who_started_it_whoever_publishes_its_draft(
    make_workflow: Callable[..., Workflow], owner: User
) -> None:
    staff = User.objects.create_superuser(email="staff@example.com", password="only-for-tests")
    theirs = services.create_project(name="Theirs", owner=staff)
    document = DefinitionDoc.model_validate({"name": "Hidden", "steps": [values("end", "1")]})
    hidden = services.publish(services.create_workflow(theirs, user=staff, document=document), user=staff).workflow
    workflow = make_workflow(runs("batch_processing"), name="Outer", is_published=False)
    draft = workflow.versions.get()
    parent = services.start(draft, values={}, user=owner, is_test=True)
    services.change_draft(workflow, DefinitionDoc.model_validate({"name": "Outer", "steps": [values("end", "1")]}))
    services.publish(workflow, user=staff)

    for name, message in {"batch_processing": "has started this test and may not start", hidden.full_name: "no workflow"}.items():
        with pytest.raises(StepError, match=message):
            children.prepare(parent, place="other", workflow=name, values={"batch_id": "one"}, is_awaited=True)

    assert not Execution.objects.filter(trigger_ref=parent.temporal_workflow_id).exists()


def test_a_workflow_of_code_can_be_run(make_workflow: Callable[..., Workflow], temporal: Temporal, owner: User) -> None:
    owner.user_permissions.add(Permission.objects.get(codename="add_execution"))
    given = {"batch_id": "inner", "user_ids": "{{ input.users }}"}

    parent = run(temporal, make_workflow(runs("batch_processing", input=given), name="Outer"), owner, {"users": [owner.pk]})

    assert (parent.status, child_of(parent).status) == ("completed", "completed")
    assert (StepRun.objects.get().output or {})["output"]["succeeded"] == 1


def test_what_a_workflow_of_code_gave_is_whole_where_its_row_shows_it_cut(temporal: Temporal) -> None:
    temporal.execute("batch_processing", {"batch_id": "long"}, workflow_id="long")
    Execution.objects.filter(temporal_workflow_id="long").update(result='{"batch_id": "lo… (12,000 characters)')

    assert children.told_of("long")["output"]["batch_id"] == "long"


def test_each_item_of_a_list_can_be_a_workflow(make_workflow: Callable[..., Workflow], temporal: Temporal, owner: User) -> None:
    make_workflow(FIRST, name="Double", input_schema=NUMBERS)
    do = {"kind": "run-workflow", "config": {"workflow": "demo/double", "input": {"number": "{{ item }}"}, "wait": False}}
    step = {"key": "all", "kind": "for-each", "name": "All", "config": {"items": "[1, 2, 3]", "do": do}}

    parent = run(temporal, make_workflow(step, name="Outer"), owner)
    found = Execution.objects.filter(trigger_ref=parent.temporal_workflow_id)
    for child in found:
        finish(temporal, child)

    assert parent.status == "completed"
    assert sorted(StepRun.objects.filter(key="double").values_list("output__twice", flat=True)) == [2, 4, 6]


def started(temporal: Temporal, workflow: Workflow, owner: User) -> Execution:
    assert workflow.current is not None
    execution = services.start(workflow.current, values={}, user=owner)
    relay.deliver_all()
    return execution


def until_it_waits() -> None:
    """Wait until a child waits for a time."""
    wait_until(StepRun.objects.filter(kind="wait", waits_until__isnull=False).exists, seconds=PATIENCE)
