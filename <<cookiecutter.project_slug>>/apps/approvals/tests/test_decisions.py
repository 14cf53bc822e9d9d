"""An answer has one effect, whoever gives it, however often and when."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps.approvals import links
from apps.approvals.models import PeopleRequest
from apps.approvals.tests.conftest import ADA
from apps.executions.models import Execution
from apps.temporal.models import OutboxMessage

pytestmark = pytest.mark.django_db
type Ask = Callable[..., PeopleRequest]


def token(request: PeopleRequest, email: str = ADA) -> str:
    return links.token_of(request.people.get(email=email))


def decide(token: str, decision: str = "approved", comment: str = "") -> tuple[int, dict[str, object]]:
    body = {"decision": decision, "comment": comment}
    answer = Client().post(f"/api/v1/approvals/{token}/decision", body, "application/json")
    return answer.status_code, answer.json()


def signals() -> list[dict[str, object]]:
    return [message.payload for message in OutboxMessage.objects.filter(kind="signal")]


def test_who_is_asked_decides_with_the_token_alone(ask: Ask, execution: Execution) -> None:
    request = ask()
    execution.refresh_from_db()
    assert execution.status == "paused"

    answer = decide(token(request), comment="fine")

    assert answer == (200, {"success": True, "execution_status": "running"})
    execution.refresh_from_db()
    request.refresh_from_db()
    assert (execution.status, request.status, request.people.get().comment) == ("running", "approved", "fine")
    assert signals() == [{"name": "approval_decision", "argument": {"approval_id": str(request.pk), "decision": "approved"}}]
    trail = list(execution.events.values_list("action", "reason"))
    assert trail[-2:] == [("approved", f"The contract: approved by {ADA}: fine"), ("resumed", "The contract: approved")]


def test_a_no_fails_the_execution(ask: Ask) -> None:
    request = ask()

    assert decide(token(request), "rejected") == (200, {"success": True, "execution_status": "failed"})

    request.refresh_from_db()
    assert request.status == "rejected"
    assert [each["argument"] for each in signals()] == [{"approval_id": str(request.pk), "decision": "rejected"}]
