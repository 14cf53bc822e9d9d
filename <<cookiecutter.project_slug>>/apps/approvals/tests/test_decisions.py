"""An answer has one effect, whoever gives it, however often and when."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connections
from django.test import Client
from django.utils import timezone

from apps.approvals import api, asking, links, services
from apps.approvals.models import PeopleRequest, Person
from apps.approvals.tests.conftest import ADA, BOB, EVE
from apps.executions import projection
from apps.executions.models import Execution
from apps.temporal.models import OutboxMessage
from apps.users.models import User

pytestmark = pytest.mark.django_db
type Ask = Callable[..., PeopleRequest]


def token(request: PeopleRequest, email: str = ADA) -> str:
    return links.token_of(request.people.get(email=email))


def decide(token: str, decision: Any = "approved", comment: str = "") -> tuple[int, dict[str, Any]]:
    body = {"decision": decision, "comment": comment}
    answer = Client().post(f"/api/v1/approvals/{token}/decision", body, "application/json")
    return answer.status_code, answer.json()


def signals() -> list[Any]:
    return [message.payload["argument"] for message in OutboxMessage.objects.filter(kind="signal")]


def test_who_is_asked_decides_with_the_token_alone(ask: Ask, execution: Execution) -> None:
    request = ask()
    execution.refresh_from_db()
    assert execution.status == "paused"

    answer = decide(token(request), comment="fine")

    assert answer == (200, {"success": True, "execution_status": "running"})
    execution.refresh_from_db()
    request.refresh_from_db()
    assert (execution.status, request.status, request.people.get().comment) == ("running", "approved", "fine")
    message = OutboxMessage.objects.get(kind="signal")
    assert message.payload["name"] == "approval_decision"
    assert signals() == [{"approval_id": str(request.pk), "decision": "approved"}]
    trail = list(execution.events.values_list("action", "reason"))
    assert trail[-2:] == [("approved", f"The contract: approved by {ADA}: fine"), ("resumed", "The contract: approved")]


def test_a_no_fails_the_execution(ask: Ask) -> None:
    request = ask()

    assert decide(token(request), "rejected") == (200, {"success": True, "execution_status": "failed"})

    request.refresh_from_db()
    assert request.status == "rejected"
    assert signals() == [{"approval_id": str(request.pk), "decision": "rejected"}]


@pytest.mark.parametrize("decision", ["", "maybe", "APPROVED", "signed", "expired"])
def test_a_decision_that_there_is_not_is_refused(ask: Ask, decision: str) -> None:
    request = ask()

    status, said = decide(token(request), decision)

    assert status == 400
    assert "choose approved or rejected" in said["detail"]
    assert request.people.get().status == "pending"


def test_an_unknown_token_is_nobodys(ask: Ask) -> None:
    known = token(ask())

    assert [decide(forged)[0] for forged in ("x", known[:-1], known[:-1] + "!", known.swapcase())] == [404] * 4


@pytest.mark.parametrize("second", ["approved", "rejected"])
def test_a_repeated_decision_changes_nothing(ask: Ask, second: str) -> None:
    request = ask()
    decide(token(request))

    status, said = decide(token(request), second)

    assert (status, said["detail"]) == (409, "This was answered already: approved.")
    request.refresh_from_db()
    assert request.status == "approved"
    assert len(signals()) == 1


def test_a_late_decision_is_refused_before_and_after_the_timer_has_fired(ask: Ask, execution: Execution) -> None:
    request = ask()
    PeopleRequest.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    before = decide(token(request))

    answer = asking.expire(str(request.pk))

    assert (before[0], decide(token(request))[0]) == (410, 410)
    assert (answer.status, answer.is_good, signals()) == ("expired", False, [])
    execution.refresh_from_db()
    assert execution.events.last().reason == "The contract: nobody decided in time"  # type: ignore[union-attr]


def test_no_answer_may_count_as_a_yes(ask: Ask, execution: Execution) -> None:
    request = ask(on_timeout="approve")

    answer = asking.expire(str(request.pk))

    assert (answer.status, answer.is_good) == ("approved", True)
    execution.refresh_from_db()
    assert execution.status == "running"
    assert asking.output_of(str(request.pk))["decisions"][0]["status"] == "pending"


def test_an_answer_of_the_last_moment_counts(ask: Ask) -> None:
    request = ask()
    decide(token(request))

    assert asking.expire(str(request.pk)).status == "approved"


def test_when_the_execution_ends_nobody_is_asked_any_more(ask: Ask, execution: Execution) -> None:
    request = ask()
    projection.change(projection.locked(execution), "canceled", "cancel", by="user")

    status, said = decide(token(request))

    request.refresh_from_db()
    assert (request.status, status) == ("canceled", 410)
    assert "has ended" in said["detail"]


@pytest.mark.parametrize(
    ("quorum", "answers", "end"),
    [
        ("any", ["rejected", "approved"], "approved"),
        ("any", ["rejected", "rejected", "rejected"], "rejected"),
        ("all", ["approved", "approved"], "pending"),
        ("all", ["approved", "approved", "approved"], "approved"),
        ("all", ["rejected"], "rejected"),
        ("2", ["approved", "rejected"], "pending"),
        (2, ["approved", "rejected", "approved"], "approved"),
        (2, ["rejected", "rejected"], "rejected"),
    ],
)
def test_a_quorum_decides_as_soon_as_it_can(ask: Ask, quorum: str | int, answers: list[str], end: str) -> None:
    request = ask(ADA, BOB, EVE, quorum=quorum)

    said = [
        decide(token(request, email), answer)[1]["execution_status"]
        for email, answer in zip((ADA, BOB, EVE), answers, strict=False)
    ]

    request.refresh_from_db()
    assert request.status == end
    assert said[:-1] == ["paused"] * (len(answers) - 1)
    assert said[-1] == {"approved": "running", "rejected": "failed", "pending": "paused"}[end]
    assert len(signals()) == (end != "pending")


def test_who_comes_after_the_decision_is_told_so(ask: Ask) -> None:
    request = ask(ADA, BOB)
    decide(token(request))

    status, said = decide(token(request, BOB))

    assert (status, said["detail"]) == (409, "Others have decided already: approved.")


def test_an_execution_goes_on_when_it_waits_for_nobody_else(ask: Ask, execution: Execution) -> None:
    first, second = ask(step="a"), ask(step="b")

    decide(token(first))
    execution.refresh_from_db()
    assert execution.status == "paused"
    decide(token(second))

    execution.refresh_from_db()
    assert execution.status == "running"


def test_a_decision_can_be_handed_on(ask: Ask, owner: User) -> None:
    request = ask(ADA, EVE, quorum="all")
    ada = request.people.get(email=ADA)

    bob = services.delegate(ada, " Bob@Example.com ", comment="I am away")

    assert decide(links.token_of(ada))[1]["detail"] == "This was handed to somebody else."
    assert [decide(links.token_of(bob))[0], decide(token(request, EVE))[0]] == [200, 200]
    request.refresh_from_db()
    assert request.status == "approved"
    assert [each["email"] for each in asking.output_of(str(request.pk))["decisions"]] == [BOB, EVE]
    assert (bob.delegated_by, request.execution.events.filter(action="delegated").count()) == (ada, 1)


@pytest.mark.parametrize(("email", "message"), [("nobody", "no e-mail address"), (ADA, "asked already"), (BOB, "asked already")])
def test_it_is_handed_to_somebody_new(ask: Ask, email: str, message: str) -> None:
    person = ask(ADA, BOB).people.get(email=ADA)

    with pytest.raises(ValidationError, match=message):
        services.delegate(person, email)


def test_what_may_not_be_handed_on_is_not_and_nothing_goes_round_for_ever(ask: Ask) -> None:
    with pytest.raises(ValidationError, match="cannot be handed"):
        services.delegate(ask(may_delegate=False).people.get(), BOB)

    person = ask(step="other").people.get()
    for number in range(services.MAX_HANDED):
        person = services.delegate(person, f"{number}@example.com")
    with pytest.raises(ValidationError, match="handed on 5 times"):
        services.delegate(person, BOB)


@pytest.mark.django_db(transaction=True)
def test_of_fifty_decisions_at_once_one_counts(ask: Ask, execution: Execution) -> None:
    key = token(ask())

    def answer(number: int) -> int:
        try:
            return decide(key, "approved" if number % 2 else "rejected")[0]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(50) as threads:
        statuses = list(threads.map(answer, range(50)))

    assert sorted(statuses) == [200] + [409] * 49
    assert len(signals()) == 1
    assert execution.events.filter(action__in=["approved", "rejected"]).count() == 1


def test_a_program_that_tries_tokens_is_slowed_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.DECISIONS, "num_requests", 3)
    # All within its minute, however long the test takes.
    monkeypatch.setattr(type(api.DECISIONS), "timer", lambda _: 1_000_000.0)
    statuses = [decide("x")[0] for _ in range(5)]

    assert statuses == [404, 404, 404, 429, 429]


def test_an_account_asks_what_it_was_asked(ask: Ask) -> None:
    ada, client = User.objects.create_user(email=ADA), Client()
    client.force_login(ada)
    first, _, _ = ask(step="a"), ask(step="b", timeout=timedelta(hours=1)), ask(BOB, step="c")
    decide(token(first), comment="fine")

    waiting = client.get("/api/v1/approvals").json()
    over = client.get("/api/v1/approvals?waiting=false").json()

    assert [(each["kind"], each["status"]) for each in waiting["items"]] == [("approval", "pending")]
    (answered,) = over["items"]
    assert (answered["status"], answered["request_status"], answered["comment"]) == ("approved", "approved", "fine")
    assert answered["execution"] == str(first.execution_id)


def decide_signed_in(client: Client, person_id: Any, decision: str = "approved") -> tuple[int, dict[str, Any]]:
    answer = client.post(f"/api/v1/approvals/asked/{person_id}/decision", {"decision": decision}, "application/json")
    return answer.status_code, answer.json()


def test_an_account_decides_what_its_list_names(ask: Ask) -> None:
    ada, client = User.objects.create_user(email=ADA), Client()
    client.force_login(ada)
    request = ask(ADA, BOB, quorum="all")
    (listed,) = client.get("/api/v1/approvals").json()["items"]

    answers = [decide_signed_in(client, listed["id"]) for _ in range(2)]

    assert answers[0] == (200, {"success": True, "execution_status": "paused"})
    assert (answers[1][0], answers[1][1]["detail"]) == (409, "This was answered already: approved.")
    person = request.people.get(email=ADA)
    assert (person.status, person.user, person.address) == ("approved", ada, "127.0.0.1")
    assert request.execution.events.get(action="approved").user == ada
    assert decide(token(request, BOB))[1]["execution_status"] == "running"


def test_an_account_decides_nothing_that_others_were_asked_that_is_over_or_that_is_to_be_signed(ask: Ask) -> None:
    client = Client()
    client.force_login(User.objects.create_user(email=ADA))
    mine, theirs, to_sign = (
        ask(step="a").people.get(),
        ask(BOB, step="b").people.get(),
        ask(step="c", kind="signature").people.get(),
    )

    assert decide_signed_in(Client(), mine.pk)[0] == 401
    assert [decide_signed_in(client, person.pk)[0] for person in (theirs, to_sign)] == [404, 400]
    assert decide_signed_in(client, mine.pk, "maybe")[0] == 400
    PeopleRequest.objects.update(expires_at=timezone.now())
    assert decide_signed_in(client, mine.pk)[0] == 410
    assert set(Person.objects.values_list("status", flat=True)) == {"pending"}
