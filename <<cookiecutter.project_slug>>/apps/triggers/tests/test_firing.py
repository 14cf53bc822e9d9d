"""Where every trigger ends: one delivery, one execution."""

from collections.abc import Callable

import pytest

from apps.executions import projection
from apps.temporal import outbox
from apps.temporal.models import OutboxMessage
from apps.triggers import firing
from apps.triggers.kinds import Delivery
from apps.triggers.models import Trigger, TriggerEvent
from apps.triggers.tests.started import started
from apps.users.models import User
from apps.workflows import services as workflows
from apps.workflows.models import Project, Workflow

pytestmark = pytest.mark.django_db
type MakeTrigger = Callable[..., Trigger]


def test_a_delivery_starts_one_execution_however_often_it_comes(make_trigger: MakeTrigger, owner: User) -> None:
    trigger, delivery = make_trigger(), Delivery(event_id="a", data={"amount": 5, "other": "kept"}, source_object_id="7")

    first, second = (firing.fire(trigger, delivery) for _ in range(2))

    assert first == second
    execution = started().get()
    assert (execution.input, execution.trigger, execution.trigger_ref) == ({"amount": 5}, "webhook", str(trigger.pk))
    assert (execution.context["trigger"], execution.source_object_id) == ({"amount": 5, "other": "kept"}, "7")
    assert execution.user == owner
    assert OutboxMessage.objects.filter(kind="start", aggregate_id=execution.temporal_workflow_id).count() == 1
    trigger.refresh_from_db()
    assert (trigger.fired_count, trigger.last_error) == (1, "")
    assert trigger.last_fired_at is not None


def test_the_input_is_made_as_the_trigger_says(make_trigger: MakeTrigger) -> None:
    trigger = make_trigger(input={"amount": "{{ trigger.data.order.total * 2 }}", "note": "by {{ trigger.kind }}"})

    firing.fire(trigger, Delivery(event_id="a", data={"order": {"total": 21}}))

    assert started().get().input == {"amount": 42, "note": "by webhook"}


@pytest.mark.parametrize("data", [{"amount": "many"}, {}, [1], None])
def test_what_the_workflow_refuses_is_told_and_may_come_again(
    make_trigger: MakeTrigger, workflow: Workflow, data: object
) -> None:
    trigger = make_trigger()

    refused = firing.fire(trigger, Delivery(event_id="a", data=data))

    assert refused.status == "refused"
    assert not started().exists()
    trigger.refresh_from_db()
    assert trigger.last_error == refused.error
    assert refused.error.startswith("input.amount: ")
    assert trigger.last_fired_at is None
    assert firing.fire(trigger, Delivery(event_id="a", data={"amount": 1})).status == "started"
    assert TriggerEvent.objects.count() == 1


def test_what_temporal_would_never_take_leaves_nothing_behind(make_trigger: MakeTrigger, monkeypatch: pytest.MonkeyPatch) -> None:
    trigger = make_trigger()
    monkeypatch.setattr(outbox, "MAX_PAYLOAD", 100)

    event = firing.fire(trigger, Delivery(event_id="a", data={"amount": 1}))

    assert (event.status, "Temporal takes 2" in event.error) == ("refused", True)
    assert not started().exists()


def test_a_paused_trigger_starts_nothing_but_by_hand(make_trigger: MakeTrigger, owner: User) -> None:
    trigger = make_trigger()
    Trigger.objects.update(enabled=False)

    assert firing.fire(trigger, Delivery(event_id="a", data={"amount": 1})).status == "skipped"
    assert firing.fire(trigger, Delivery(event_id="b", data={"amount": 1}), user=owner).status == "started"

    assert started().get().trigger == "manual"


def test_an_archived_workflow_is_not_started(make_trigger: MakeTrigger, workflow: Workflow) -> None:
    trigger = make_trigger()
    workflows.set_status(workflow, "archived")

    event = firing.fire(trigger, Delivery(event_id="a", data={"amount": 1}))

    assert (event.status, event.error) == ("refused", "Example is archived: publish it first.")


@pytest.mark.parametrize(
    ("overlap", "statuses", "canceled"),
    [("allow", ["started", "started"], 0), ("skip", ["started", "skipped"], 0), ("cancel_other", ["started", "started"], 1)],
)
def test_what_overlaps_is_treated_as_the_trigger_says(
    make_trigger: MakeTrigger, overlap: str, statuses: list[str], canceled: int
) -> None:
    trigger = make_trigger(overlap=overlap)

    events = [firing.fire(trigger, Delivery(event_id=key, data={"amount": 1})) for key in "ab"]

    assert [event.status for event in events] == statuses
    assert started().filter(status="canceled").count() == canceled
    # What has ended overlaps nothing.
    for open_one in started().filter(status="pending"):
        projection.change(projection.locked(open_one), "running", "started", by="workflow")
        projection.change(projection.locked(open_one), "completed", "completed", by="workflow")
    assert firing.fire(trigger, Delivery(event_id="c", data={"amount": 1})).status == "started"


def test_once_its_author_may_start_nothing_it_is_the_owner_who_is_responsible(
    make_trigger: MakeTrigger, project: Project, owner: User
) -> None:
    editor = User.objects.create_user(email="editor@example.com")
    workflows.set_member(project, user=editor, role="editor")
    trigger = make_trigger()
    Trigger.objects.update(created_by=editor)
    firing.fire(trigger, Delivery(event_id="a", data={"amount": 1}))

    workflows.remove_member(project, user=editor)
    firing.fire(trigger, Delivery(event_id="b", data={"amount": 1}))

    assert [each.user for each in started()] == [editor, owner]
