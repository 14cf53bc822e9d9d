"""What a step gives is stored, or refused with a sentence: no database may choke on it later."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.db import OperationalError
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from apps.development.testing import Temporal
from apps.executions.models import Execution
from apps.users.models import User
from apps.workflows import activities, runs, services
from apps.workflows.definitions import document_of, spec_of
from apps.workflows.kinds import base
from apps.workflows.kinds.base import StepError
from apps.workflows.models import ItemFailure, StepRun, Workflow
from apps.workflows.patience import PATIENCE
from apps.workflows.shared import CloseInput, StepInput, StepSpec
from apps.workflows.tests.running import run

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"a": float("nan")}, "cannot be stored: Out of range"),
        ({"a": "\ud800"}, "half of a character"),
        (["a\0b"], "NUL character"),
        ("x" * 100_001, "100,000 are kept"),
        (json.loads("[" * 300 + "]" * 300), "cannot be stored"),
    ],
)
def test_what_cannot_be_kept_fails_the_step(given: Any, reason: str) -> None:
    with pytest.raises(StepError, match=reason):
        activities._output(given)


def test_what_an_answer_said_is_noted_as_far_as_it_can_be(
    make_workflow: Callable[..., Workflow], temporal: Temporal, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise StepError("it said \0 and")

    monkeypatch.setattr(type(base.find("values")), "run", refuse)
    inner = {"kind": "values", "config": {"values": {}}}
    each = {"key": "each", "kind": "for-each", "name": "Each", "config": {"items": "[1]", "do": inner, "allowed_failures": "1"}}
    workflow = make_workflow(each | {"next": [{"to": "one"}]}, {"key": "one", "name": "One", **inner})

    execution = run(temporal, workflow, owner)

    assert (execution.status, ItemFailure.objects.get().error) == ("failed", "it said \N{REPLACEMENT CHARACTER} and")
    assert dict(StepRun.objects.values_list("key", "error")) == {"each": "", "one": "it said \N{REPLACEMENT CHARACTER} and"}


def test_a_step_waits_until_the_row_of_its_child_knows_the_end(make_workflow: Callable[..., Workflow], owner: User) -> None:
    version = make_workflow({"key": "wait", "kind": "wait", "name": "Wait", "config": {"hours": 1}}).current
    assert version is not None
    parent, child = (services.start(version, values={}, user=owner) for _ in range(2))
    step = StepRun.objects.create(execution=parent, key="other", attempt=1, kind="run-workflow", name="Other", status="running")
    wanted = CloseInput(execution_id=str(parent.pk), key="other", asked_id=child.temporal_workflow_id, is_child=True)

    with pytest.raises(ApplicationError, match="has not told its end yet"):
        activities.close_step(wanted)
    Execution.objects.filter(pk=child.pk).update(status="completed")
    activities.close_step(wanted)

    step.refresh_from_db()
    assert (step.status, (step.output or {})["status"]) == ("success", "completed")


def test_a_database_that_is_away_costs_time_and_not_all_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> None:
        raise OperationalError("no connection")

    monkeypatch.setattr(activities, "_execution", away)
    step = StepSpec(key="one", kind="values", name="One", config={})

    for activity in (activities.run_step, activities.ask_people, activities.begin_child, activities.plan_items):
        with pytest.raises(ApplicationError, match="the database is away") as failed:
            activity(StepInput(execution_id="x", step=step))
        assert failed.value.next_retry_delay == PATIENCE


def test_a_note_that_temporal_has_given_up_is_written_to_its_end(
    make_workflow: Callable[..., Workflow], owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = make_workflow({"key": "wait", "kind": "wait", "name": "Wait", "config": {"hours": 1}, "attempts": 1}).current
    assert version is not None
    execution = services.start(version, values={}, user=owner)
    (step,) = spec_of(document_of(version)).steps
    environment, moment = ActivityEnvironment(), activities._moment

    def given_up(value: Any) -> datetime:
        environment.cancel()
        return moment(value)

    monkeypatch.setattr(activities, "_moment", given_up)

    until = environment.run(activities.begin_wait, StepInput(execution_id=str(execution.pk), step=step))

    run = StepRun.objects.get()
    assert (run.status, run.waits_until) == ("waiting", until.moment)


def test_a_try_that_was_outlived_undoes_nothing(make_workflow: Callable[..., Workflow], owner: User) -> None:
    version = make_workflow({"key": "one", "kind": "values", "name": "One", "config": {"values": {}}}).current
    assert version is not None
    execution = services.start(version, values={}, user=owner)
    (step,) = spec_of(document_of(version)).steps
    first, second = runs.begin(execution, step), runs.begin(execution, step)
    runs.succeed(second, {"a": 1})

    runs.fail(first, "too late")

    run = StepRun.objects.get()
    assert (run.status, run.output, run.error) == ("success", {"a": 1}, "")
