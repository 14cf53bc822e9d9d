"""Steps that do something with each item of a list."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from threading import Event
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from temporalio import activity

from apps.development.testing import PATIENCE, Temporal
from apps.executions import services as executions
from apps.temporal import relay
from apps.users.models import User
from apps.workflows import items, services
from apps.workflows.kinds import base, lists
from apps.workflows.kinds.base import Kind, KindConfig, StepContext, StepError, Value, register
from apps.workflows.kinds.lists import item_source
from apps.workflows.models import ItemFailure, StepRun, Workflow
from apps.workflows.tests.running import finish

pytestmark = pytest.mark.django_db


class Work:
    """What was done with each value, and what goes wrong with it."""

    def __init__(self) -> None:
        self.done: Counter[Any] = Counter()
        self.keys: set[str] = set()
        self.bad: set[Any] = set()
        self.shaky: Counter[Any] = Counter()
        self.cancel_at: Any = None
        self.is_at_it = Event()


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    """A kind named "work", and a source of items named "numbers"."""
    work = Work()
    # What is imported meanwhile would be forgotten with the rest.
    base.kinds()
    monkeypatch.setattr(base, "_registered", dict(base._registered))
    monkeypatch.setattr(lists, "_sources", dict(lists._sources))

    @register
    class WorkKind(Kind):
        """Count what is done."""

        name = "work"

        class Config(KindConfig):
            value: Value

        def run(self, config: Any, step: StepContext) -> None:
            work.done[config.value] += 1
            if config.value == work.cancel_at:
                work.is_at_it.set()
                while not activity.is_cancelled():
                    activity.heartbeat()
                    activity.wait_for_cancelled_sync(0.1)
            work.keys.add(step.key)
            if config.value in work.bad:
                raise StepError(f"{config.value} is bad")
            if work.shaky[config.value]:
                work.shaky[config.value] -= 1
                raise TimeoutError("not now")

    @item_source("numbers")
    def numbers(arguments: Mapping[str, Any]) -> Iterator[int]:
        yield from range(arguments["count"])

    # A worker that still asks at the end must not keep these kinds for the next test.
    monkeypatch.setattr(base, "kinds", cache(base.kinds.__wrapped__))
    return work


def for_each(**config: Any) -> dict[str, Any]:
    do = {"kind": "work", "config": {"value": "{{ item }}"}}
    # An item has the minute that its kind gives it: with less, a stall would be taken for a worker that died.
    times = {"attempts": 2, "first_retry_seconds": 1}
    return {"key": "all", "kind": "for-each", "name": "All", "config": {"do": do, **config}, **times}


def test_each_item_is_done_once_and_what_fails_is_listed(
    make_workflow: Callable[..., Workflow], temporal: Temporal, owner: User, work: Work
) -> None:
    work.bad, work.shaky = {3, 70}, Counter({5: 1})

    run = ran(make_workflow(for_each(items="input.numbers", allowed_failures="2 %")), temporal, owner, numbers=[*range(100)])

    assert (run.status, run.items_total, run.items_done, run.items_failed) == ("success", 100, 100, 2)
    assert work.done == Counter({**dict.fromkeys(range(100), 1), 5: 2})
    assert len(work.keys) == 100
    assert list(ItemFailure.objects.values_list("index", "value", "error")) == [(3, 3, "3 is bad"), (70, 70, "70 is bad")]
    assert (run.output or {})["failures"] == [{"index": 3, "error": "3 is bad"}, {"index": 70, "error": "70 is bad"}]


def test_more_failures_than_allowed_fail_the_step_once_all_was_tried(
    make_workflow: Callable[..., Workflow], temporal: Temporal, owner: User, work: Work
) -> None:
    work.bad = {3, 4}

    run = ran(make_workflow(for_each(items="input.numbers", allowed_failures="1")), temporal, owner, numbers=[*range(20)])

    assert (run.status, run.error) == ("failed", "2 of 20 items failed, and 1 may: 3 is bad")
    assert run.execution.status == "failed"
    assert "2 of 20 items failed" in run.execution.error_message
    assert work.done.total() == 20


def test_a_reset_does_only_what_failed_again(
    make_workflow: Callable[..., Workflow], temporal: Temporal, owner: User, work: Work
) -> None:
    work.bad = {3, 14}
    run = ran(make_workflow(for_each(source="numbers", arguments={"count": 20})), temporal, owner)
    work.bad, work.done = {14}, Counter()

    execution = executions.reset_execution(run.execution, user=owner)
    finish(temporal, execution)

    again = StepRun.objects.get(execution=execution, attempt=2)
    assert (again.status, again.items_total, again.items_done, again.items_failed) == ("failed", 20, 20, 1)
    assert work.done == Counter({3: 1, 14: 1})
    assert ItemFailure.objects.get().index == 14


def test_an_item_that_fails_for_now_at_every_try_fails_in_the_end(
    make_workflow: Callable[..., Workflow], temporal: Temporal, owner: User, work: Work
) -> None:
    work.shaky = Counter({1: 5})

    run = ran(make_workflow(for_each(items="[0, 1, 2]", allowed_failures="1")), temporal, owner)

    assert (run.output or {})["failures"] == [{"index": 1, "error": "TimeoutError: not now"}]
    assert work.done == Counter({0: 1, 1: 2, 2: 1})


def test_an_empty_list_is_done_at_once(
    make_workflow: Callable[..., Workflow], temporal: Temporal, owner: User, work: Work
) -> None:
    run = ran(make_workflow(for_each(items="[]")), temporal, owner)

    assert (run.status, run.items_total, (run.output or {})["total"]) == ("success", 0, 0)


def test_what_is_no_list_fails_the_step(
    make_workflow: Callable[..., Workflow], temporal: Temporal, owner: User, work: Work
) -> None:
    run = ran(make_workflow(for_each(items="'many'")), temporal, owner)

    assert (run.status, run.error) == ("failed", "'many' is no list")


def test_a_long_list_has_a_bounded_number_of_parts() -> None:
    taken, parts = 0, 0
    for size in items.sizes():
        if taken >= 100_000:
            break
        taken, parts = taken + size, parts + 1

    assert parts == 235


@pytest.mark.parametrize(
    ("config", "field", "message"),
    [
        ({}, "config", "Say either which list it is, or which source."),
        ({"items": "[]", "source": "numbers"}, "config", "Say either which list it is, or which source."),
        ({"source": "letters"}, "config", "There is no source of items 'letters': choose"),
        ({"items": "item.people"}, "items", "speaks of item"),
        ({"items": "[]", "allowed_failures": "some"}, "allowed_failures", "String should match"),
        ({"items": "[]", "do": {"kind": "wait", "config": {"hours": 1}}}, "config", "It cannot do 'wait' with each item"),
        ({"items": "[]", "do": {"kind": "unheard-of"}}, "config", "It cannot do 'unheard-of' with each item"),
        ({"items": "[]", "do": {"kind": "work", "config": {}}}, "do.value", "Field required"),
        ({"items": "[]", "do": {"kind": "work", "config": {"value": "{{ wrong }}"}}}, "do.value", "speaks of wrong"),
        ({"items": "[]", "do": {"kind": "run-workflow", "config": {"workflow": "a/b"}}}, "config", "set wait to false"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(work: Work, config: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(ValidationError) as raised:
        base.find("for-each").read(for_each(**config)["config"])

    assert message in " ".join(raised.value.message_dict[field])


def test_what_an_item_needs_must_exist_when_it_is_done(make_workflow: Callable[..., Workflow], work: Work) -> None:
    do = {"kind": "work", "config": {"value": "{{ steps.later.output }}"}}

    with pytest.raises(services.NotPublishable, match=r"steps\.later, which never runs before it"):
        make_workflow(for_each(items="[]", do=do))


def test_a_cancel_stops_between_two_items_and_a_reset_does_the_rest(
    make_workflow: Callable[..., Workflow],
    temporal: Temporal,
    owner: User,
    work: Work,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # It looks for a cancel when it stores how far it is: after each item, here.
    monkeypatch.setattr(items, "STORE_EVERY", 0)
    workflow = make_workflow(for_each(source="numbers", arguments={"count": 60}, at_once=1))
    assert workflow.current is not None
    execution = services.start(workflow.current, values={}, user=owner)
    work.cancel_at = 30
    relay.deliver_all()
    assert work.is_at_it.wait(PATIENCE)

    temporal.run(temporal.client.get_workflow_handle(execution.temporal_workflow_id).cancel())
    finish(temporal, execution)
    assert execution.status == "canceled"
    assert work.done == Counter(range(31))
    executions.reset_execution(execution, user=owner)
    finish(temporal, execution)

    assert execution.status == "completed"
    assert work.done == Counter(range(60))


def ran(workflow: Workflow, temporal: Temporal, owner: User, **values: Any) -> StepRun:
    """The run of the only step, once it is over."""
    assert workflow.current is not None
    finish(temporal, services.start(workflow.current, values=values, user=owner))
    return StepRun.objects.select_related("execution").get()
