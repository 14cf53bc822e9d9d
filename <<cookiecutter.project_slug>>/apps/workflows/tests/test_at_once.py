"""Many who ask for the same at once: one draft, one execution, and no version twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from apps.executions.models import Execution
from apps.users.models import User
from apps.workflows.models import Workflow
from apps.workflows.tests.asked import DEFINITION, START, STEP

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 8


@pytest.fixture
def workflow(make_workflow: Callable[..., Workflow]) -> Workflow:
    return make_workflow(START, STEP)


@pytest.fixture
def at_once(workflow: Workflow, owner: User, as_user: Callable[[User], Client]) -> Callable[..., list[Any]]:
    """The answers to one request that many send at the same moment."""
    client, together = as_user(owner), Barrier(MANY)

    def send(method: str, end: str, body: Any, **headers: str) -> list[Any]:
        def one(number: int) -> Any:
            together.wait()
            try:
                given = {name.replace("_", "-"): value for name, value in headers.items()}
                sent = getattr(copy(client), method)
                return sent(f"/api/v1/workflows/{workflow.pk}{end}", body(number), "application/json", headers=given)
            finally:
                connection.close()

        with ThreadPoolExecutor(MANY) as threads:
            return list(threads.map(one, range(MANY)))

    return send


def test_of_many_who_save_a_draft_one_does(workflow: Workflow, at_once: Callable[..., list[Any]]) -> None:
    answers = at_once("put", "/draft", lambda number: {**DEFINITION, "name": f"By {number}"}, If_Match=str(workflow.revision))

    workflow.refresh_from_db()
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * (MANY - 1)]
    assert [answer.json()["definition"]["name"] for answer in answers if answer.status_code == 200] == [workflow.name]


def test_many_who_add_a_step_lose_none(workflow: Workflow, at_once: Callable[..., list[Any]]) -> None:
    answers = at_once("post", "/steps", lambda number: STEP | {"key": f"step_{number}"})

    added = [answer for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert workflow.versions.get(number=None).steps.count() == 2 + len(added) > 2


def test_every_publication_has_a_number_of_its_own(workflow: Workflow, at_once: Callable[..., list[Any]]) -> None:
    answers = at_once("post", "/publish", lambda number: {"note": str(number)})

    assert sorted(answer.json()["number"] for answer in answers) == list(range(2, MANY + 2))
    workflow.refresh_from_db()
    assert workflow.current
    assert workflow.current.number == MANY + 1


def test_the_same_key_starts_one_execution(at_once: Callable[..., list[Any]]) -> None:
    answers = at_once("post", "/execute", lambda _: {"input": {"a": "x"}}, Idempotency_Key="k")

    execution = Execution.objects.get(workflow="demo/example")
    assert {(answer.status_code, answer.json()["execution_id"]) for answer in answers} == {(202, str(execution.pk))}
