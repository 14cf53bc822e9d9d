"""An execution that has asked somebody."""

from collections.abc import Callable
from typing import Any

import pytest

from apps.approvals import asking
from apps.approvals.asking import Question
from apps.approvals.models import PeopleRequest
from apps.executions.models import Execution
from apps.users.models import User

ADA, BOB, EVE = "ada@example.com", "bob@example.com", "eve@example.com"


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.create_user(email="owner@example.com")


@pytest.fixture
def execution(owner: User) -> Execution:
    return Execution.objects.create(
        workflow="onboarding", user=owner, temporal_workflow_id="exec_1", status=Execution.Status.RUNNING
    )


@pytest.fixture
def ask(execution: Execution) -> Callable[..., PeopleRequest]:
    """Ask those people, by default Ada, for an approval."""

    def ask(*people: str, step: str = "approve", **more: Any) -> PeopleRequest:
        question = Question(**{"kind": "approval", "people": people or (ADA,), "title": "The contract", **more})
        asked = asking.open_request(execution_id=str(execution.pk), step=step, question=question)
        return PeopleRequest.objects.select_related("execution").get(pk=asked.id)

    return ask
