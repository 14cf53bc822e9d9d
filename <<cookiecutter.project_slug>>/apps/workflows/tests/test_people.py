"""Steps that ask people, on a real server: the execution waits for them, and each answer reaches the one that asked."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from temporalio.client import WorkflowFailureError

from apps.approvals import asking, links
from apps.approvals.asking import Question
from apps.approvals.models import Approval, PeopleRequest, Person, SignatureRequest
from apps.development.testing import Temporal
from apps.executions.models import Execution
from apps.executions.services import reset_execution
from apps.temporal import relay
from apps.temporal.models import OutboxMessage
from apps.users.models import User
from apps.workflows import services
from apps.workflows.definitions import DefinitionDoc, spec_of
from apps.workflows.document_models import GeneratedDocument
from apps.workflows.kinds import base
from apps.workflows.kinds.base import StepContext, StepError
from apps.workflows.models import StepRun, Workflow

pytestmark = pytest.mark.django_db
ADA, BOB = "ada@example.com", "bob@example.com"


def steps(kind: str = "review-documents", **config: Any) -> list[dict[str, Any]]:
    config = {"people": [ADA], "title": "Contract of {{ input.name }}", **config}
    return [
        {"key": "start", "kind": "trigger", "name": "Start", "next": [{"to": "ask"}]},
        {"key": "ask", "kind": kind, "name": "Ask", "config": config, "next": [{"to": "end"}]},
        {"key": "end", "kind": "values", "name": "End", "config": {"values": {"was": "{{ steps.ask.output.status }}"}}},
    ]


@pytest.fixture
def start(make_workflow: Callable[..., Workflow], owner: User) -> Callable[..., Execution]:
    def start(*args: Any, **config: Any) -> Execution:
        name = f"Example {Workflow.objects.count()}"
        version = make_workflow(*steps(*args, **config), name=name).current
        assert version is not None
        execution = services.start(version, values={"name": "Ada"}, user=owner)
        relay.deliver_all()
        return execution

    return start


def asked(temporal: Temporal, execution: Execution, attempt: int = 1) -> PeopleRequest:
    """The request of an execution, once the workflow waits for it."""

    async def waits() -> None:
        handle = temporal.client.get_workflow_handle(execution.temporal_workflow_id)
        async for event in handle.fetch_history_events(wait_new_event=True):
            if event.HasField("timer_started_event_attributes"):
                return

    temporal.run(waits())
    return PeopleRequest.objects.get(execution=execution, attempt=attempt)


def decide(request: PeopleRequest, decision: str = "approved", email: str = ADA) -> Any:
    token = links.token_of(request.people.get(email=email))
    return Client().post(f"/api/v1/approvals/{token}/decision", {"decision": decision}, "application/json").json()


def finish(temporal: Temporal, execution: Execution) -> Execution:
    relay.deliver_all()
    with suppress(WorkflowFailureError):
        temporal.run(temporal.client.get_workflow_handle(execution.temporal_workflow_id).result())
    execution.refresh_from_db()
    return execution


def test_it_pauses_and_goes_on_only_when_approved(start: Callable[..., Execution], temporal: Temporal) -> None:
    execution = start()
    request = asked(temporal, execution)
    execution.refresh_from_db()
    assert (execution.status, request.title) == ("paused", "Contract of Ada")

    decide(request)
    finish(temporal, execution)

    assert execution.status == "completed"
    assert StepRun.objects.get(key="end").output == {"was": "approved"}
    output = StepRun.objects.get(key="ask").output
    assert output is not None
    assert (output["id"], output["status"]) == (str(request.pk), "approved")
    assert [(each["email"], each["status"]) for each in output["decisions"]] == [(ADA, "approved")]


def test_a_rejected_one_fails_and_is_asked_anew_after_a_reset(
    start: Callable[..., Execution], temporal: Temporal, owner: User
) -> None:
    execution = start("approval")
    decide(asked(temporal, execution), "rejected")
    assert finish(temporal, execution).status == "failed"
    assert execution.error_message.endswith("Ask: rejected")

    reset_execution(execution, user=owner)
    relay.deliver_all()
    second = asked(temporal, execution, attempt=2)
    decide(second)

    assert finish(temporal, execution).status == "completed"
    assert list(Approval.objects.order_by("attempt").values_list("status", flat=True)) == ["rejected", "approved"]


@pytest.mark.parametrize(("on_timeout", "ends"), [("fail", ("expired", "failed")), ("approve", ("approved", "completed"))])
def test_without_an_answer_the_time_decides_and_nothing_sweeps(
    start: Callable[..., Execution],
    temporal: Temporal,
    on_timeout: str,
    ends: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    as_asked, second = asking._asked, timedelta(seconds=1)
    # The workflow alone is told that the time is short: a reminder that comes late finds that there is still some.
    monkeypatch.setattr(asking, "_asked", lambda request: replace(as_asked(request), expires_at=request.created_at + second))
    execution = start("human-in-loop", on_timeout=on_timeout, timeout_hours=48, remind_after_hours=[0.25 / 3600])

    finish(temporal, execution)

    assert (Approval.objects.get().status, execution.status) == ends
    told = OutboxMessage.objects.filter(kind="activity", payload__task="apps.approvals.tasks.tell_person")
    assert told.count() == 2


def test_an_answer_that_comes_before_the_workflow_asks_is_not_lost(
    make_workflow: Callable[..., Workflow], temporal: Temporal, owner: User
) -> None:
    version = make_workflow(*steps()).current
    assert version is not None
    execution = services.start(version, values={"name": "Ada"}, user=owner)
    early = asking.open_request(execution_id=str(execution.pk), step="ask", question=Question(kind="approval", people=[ADA]))
    decide(PeopleRequest.objects.get(pk=early.id))

    assert finish(temporal, execution).status == "completed"
    assert PeopleRequest.objects.count() == 1


def test_two_that_wait_at_once_never_take_each_others_decision(start: Callable[..., Execution], temporal: Temporal) -> None:
    first, second = start(), start()
    asked_first, asked_second = asked(temporal, first), asked(temporal, second)

    decide(asked_second, "rejected")
    assert finish(temporal, second).status == "failed"
    first.refresh_from_db()
    assert first.status == "paused"
    decide(asked_first)

    assert finish(temporal, first).status == "completed"


def test_signatures_wait_until_all_have_signed(start: Callable[..., Execution], temporal: Temporal) -> None:
    execution = start("request-signatures", people=["{{ input.name }}@example.com", BOB])
    asked(temporal, execution)
    request = SignatureRequest.objects.get()
    assert request.signers_status == {ADA: "pending", BOB: "pending"}

    sign(request, ADA)
    execution.refresh_from_db()
    assert (execution.status, request.all_signed()) == ("paused", False)
    sign(request, BOB)

    assert finish(temporal, execution).status == "completed"
    assert request.all_signed()


def test_people_see_the_documents_of_the_project_as_they_were(
    start: Callable[..., Execution], temporal: Temporal, owner: User
) -> None:
    execution = start(people=["nobody@example.com"])
    file = {"filename": "contract.docx", "media_type": "application/msword", "content": b"one", "size": 3}
    contract = GeneratedDocument.objects.create(execution=execution, step="contract", **file)
    elsewhere = GeneratedDocument.objects.create(
        execution=execution, step="notes", filename="notes", url="https://docs.example.com"
    )
    step = StepContext(execution_id=str(execution.pk), step="sign", key="k", context={})
    kind = base.find("signature")

    asked = kind.run(kind.read({"people": [ADA], "documents": [str(contract.pk), str(elsewhere.pk)]}), step)
    GeneratedDocument.objects.filter(pk=contract.pk).update(content=b"two")

    request = SignatureRequest.objects.get(pk=asked.id)
    assert [(each.name, bytes(each.content)) for each in request.attachments.all()] == [("contract.docx", b"one")]
    assert request.message == "notes: https://docs.example.com"
    sibling = replace(step, execution_id=str(start(people=["nobody@example.com"]).pk))
    asked = kind.run(kind.read({"people": [ADA], "documents": [str(contract.pk)]}), sibling)
    assert SignatureRequest.objects.get(pk=asked.id).attachments.count() == 1
    other = Execution.objects.create(workflow="other", temporal_workflow_id="other")
    theirs = GeneratedDocument.objects.create(execution=other, step="contract", **file)
    for wrong in ("x", str(execution.pk), str(theirs.pk)):
        with pytest.raises(StepError, match="made no document"):
            kind.run(kind.read({"people": [ADA], "documents": [wrong]}), step)


@pytest.mark.parametrize(
    ("kind", "seconds", "attempts", "hours"), [("review-documents", 30, 5, 48), ("request-signatures", 120, 3, 168)]
)
def test_how_long_people_have_and_how_often_they_are_asked_for(kind: str, seconds: int, attempts: int, hours: int) -> None:
    step = {"key": "ask", "kind": kind, "name": "Ask", "config": {"people": [ADA]}}
    (spec,) = spec_of(DefinitionDoc.model_validate({"name": "x", "steps": [step]})).steps
    asks: Any = base.find(kind)

    assert (spec.timeout, spec.attempts) == (seconds, attempts)
    assert asks.question(asks.read(spec.config)).timeout == timedelta(hours=hours)


def test_a_service_takes_the_signatures_of_all() -> None:
    with pytest.raises(ValidationError, match="clicksign takes the signatures of all"):
        base.find("clicksign").read({"people": [ADA], "quorum": "any"})
    base.find("signature").read({"people": [ADA], "quorum": "any"})


@pytest.mark.parametrize(
    ("config", "field", "message"),
    [
        ({"people": ["nobody"]}, "config", "'nobody' is no e-mail address"),
        ({"people": []}, "config", "Say who is asked"),
        ({"people": [ADA], "quorum": "most"}, "quorum", "match pattern"),
        ({"people": [ADA], "timeout_hours": 0}, "timeout_hours", "greater than 0"),
        ({"people": [ADA], "timeout_hours": 2, "remind_after_hours": [2]}, "config", "comes too late"),
        ({"people": ["{{ nobody.email }}"]}, "people", "speaks of nobody"),
        ({"people": [ADA], "on_timeout": "shrug"}, "on_timeout", "'fail' or 'approve'"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_when_it_is_saved(config: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        base.find("approval").read(config)

    assert message in refused.value.message_dict[field][0]


@pytest.mark.parametrize("kind", ["signature", "request-signatures", "clicksign", "zapsign"])
def test_nobody_signs_by_not_answering(kind: str) -> None:
    with pytest.raises(ValidationError, match="No answer is no signature"):
        base.find(kind).read({"people": [ADA], "on_timeout": "approve"})


def test_an_expression_may_give_one_address_or_many() -> None:
    context = {"input": {"one": ADA, "more": [BOB, {"email": "eve@example.com"}]}}
    kind = base.find("approval")
    people = ["{{ input.one }}, dan@example.com", "{{ input.more }}"]

    question = kind.question(kind.rendered({"people": people}, context))  # type: ignore[attr-defined]

    assert question.people == [ADA, "dan@example.com", BOB, "eve@example.com"]


def sign(request: PeopleRequest, email: str) -> None:
    person = Person.objects.get(request=request, email=email)
    path = f"/approvals/link/{links.token_of(person)}/"
    Client().post(path, {"decision": "signed", "signed_name": email, "consent": "on"})
