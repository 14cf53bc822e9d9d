"""`/api/v1/executions` and `/api/v1/workflows`: the same as the pages, for programs."""

from concurrent.futures import ThreadPoolExecutor
from copy import copy
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.executions.models import Execution
from apps.executions.tests.rows import execution, person
from apps.temporal.models import OutboxMessage
from apps.users.models import User

pytestmark = pytest.mark.django_db
URL = "/api/v1/executions"


@pytest.fixture
def ada(db: None) -> User:
    return person("ada", "add_execution")


@pytest.fixture
def staff(db: None) -> Client:
    permissions = ("view_execution", "add_execution", "change_execution", "terminate_execution")
    return as_user(person("staff", *permissions))


def as_user(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def wanted(**fields: Any) -> dict[str, Any]:
    values = {"user_id": 7, "email": "ada@example.com", "name": "Ada"}
    return {"workflow": "user_onboarding", "input": values} | fields


def create(client: Client, *, key: str = "", **fields: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(URL, wanted(**fields), content_type="application/json", headers=headers)


def act(client: Client, row: Execution, action: str, **fields: Any) -> Any:
    return client.post(f"{URL}/{row.pk}/{action}", fields, content_type="application/json")


def ids(answer: Any) -> list[str]:
    return [item["id"] for item in answer.json()["items"]]


def test_one_sees_ones_own_executions_and_with_the_permission_everybodys(ada: User, staff: Client) -> None:
    theirs, nobodys, own = execution(user=person("bob")), execution(), execution(user=ada)

    assert ids(as_user(ada).get(URL)) == [str(own.pk)]
    assert ids(staff.get(URL)) == [str(row.pk) for row in (own, nobodys, theirs)]
    assert as_user(ada).get(f"{URL}/{theirs.pk}").status_code == 404
    assert staff.get(f"{URL}/{theirs.pk}").status_code == 200


def test_the_list_is_narrowed_and_paged(ada: User, staff: Client) -> None:
    day = datetime(2026, 1, 1, tzinfo=UTC)
    states = ("running", "failed", "timed_out")
    first, second, third = (
        execution(status, ada if number else None, created_at=day + number * timedelta(days=1), workflow=f"w{number}")
        for number, status in enumerate(states)
    )
    found = {
        "status=failed&status=timed_out": [third, second],
        "workflow=w0": [first],
        f"user_id={ada.pk}": [third, second],
        "created_from=2026-01-02T00:00:00Z&created_to=2026-01-03T00:00:00Z": [second],
        f"search={third.temporal_workflow_id[11:19].upper()}": [third],
        "limit=1&offset=1": [second],
        "workflow=none": [],
    }

    assert {query: ids(staff.get(f"{URL}?{query}")) for query in found} == {
        query: [str(row.pk) for row in rows] for query, rows in found.items()
    }
    assert staff.get(f"{URL}?limit=1").json()["count"] == 3
    assert len(ids(staff.get(f"{URL}?created_from=0660-05-22T13:40:14-20:52"))) == 3
    for wrong in (
        "status=sleeping",
        "created_from=tomorrow",
        "created_from=2026-01-01T00:00",
        "created_to=0001-01-01T00:00%2B02:00",
        f"user_id={2**70}",
        f"search={'x' * 201}",
    ):
        assert staff.get(f"{URL}?{wrong}").status_code == 422


def test_a_long_list_costs_no_query_for_each_row(staff: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    for _ in range(30):
        execution(user=None)

    with django_assert_max_num_queries(6):
        assert len(staff.get(URL).json()["items"]) == 30


def test_an_execution_is_planned_and_then_started(ada: User) -> None:
    client = as_user(ada)

    planned = create(client)
    shown = planned.json()
    assert (planned.status_code, shown["state"], shown["actions"]) == (201, "planned", ["cancel", "start"])
    assert (shown["trigger"], shown["user_id"], shown["input"]["user_id"]) == ("api", ada.pk, 7)
    assert not OutboxMessage.objects.exists()

    started = client.post(f"{URL}/{shown['id']}/start")
    assert (started.status_code, started.json()["state"]) == (202, "queued")
    assert OutboxMessage.objects.get().aggregate_id == shown["workflow_id"]

    again = client.post(f"{URL}/{shown['id']}/start")
    assert (again.status_code, OutboxMessage.objects.count()) == (409, 1)
    assert "cannot be started again" in again.json()["detail"]


def test_it_can_be_started_at_once_and_the_same_key_starts_it_once(ada: User) -> None:
    client = as_user(ada)

    first, second = (create(client, key="order-17", start=True) for _ in range(2))

    assert (first.status_code, first.json()["state"]) == (201, "queued")
    assert (second.status_code, second.json()["id"]) == (201, first.json()["id"])
    assert OutboxMessage.objects.count() == Execution.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_key_sent_many_times_at_once_starts_one(ada: User) -> None:
    client, together = as_user(ada), Barrier(8)

    def send(_number: int) -> tuple[int, str]:
        together.wait()
        try:
            answer = create(copy(client), key="order-17", start=True)
        finally:
            connection.close()
        return answer.status_code, answer.json()["id"]

    with ThreadPoolExecutor(8) as threads:
        answers = set(threads.map(send, range(8)))

    assert answers == {(201, str(Execution.objects.get().pk))}
    assert OutboxMessage.objects.count() == 1


def test_a_key_that_was_used_for_something_else_is_refused_but_is_free_for_others(ada: User) -> None:
    create(as_user(ada), key="k")

    other = create(as_user(ada), key="k", input={"user_id": 8, "email": "b@example.com", "name": "B"})
    elses = create(as_user(person("bob", "add_execution")), key="k", input={"user_id": 9, "email": "c@example.com", "name": "C"})

    assert (other.status_code, [error["field"] for error in other.json()["errors"]]) == (422, ["key"])
    assert elses.status_code == 201
    assert create(as_user(ada), key="x" * 201).status_code == 422


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"workflow": "none"}, "workflow"),
        ({"input": {"email": "ada@example.com"}}, "input.user_id"),
        ({"input": None}, "input"),
        ({"workflow": ["user_onboarding"]}, "workflow"),
        ({"start": "perhaps"}, "start"),
    ],
)
def test_a_wrong_input_is_named_by_field(ada: User, fields: dict[str, Any], field: str) -> None:
    answer = create(as_user(ada), **fields)

    assert (answer.status_code, Execution.objects.count()) == (422, 0)
    assert field in [error["field"] for error in answer.json()["errors"]]


def test_without_the_permission_nothing_is_planned() -> None:
    answer = create(as_user(person("bob")))

    assert (answer.status_code, answer.json()["detail"]) == (403, "This needs the permission executions.add_execution.")


def test_ones_own_is_canceled_and_reset_with_a_reason_and_terminated_with_the_permission_alone(ada: User, staff: Client) -> None:
    client, running, failed = as_user(ada), execution(user=ada), execution("failed", ada)

    canceled, reset = act(client, running, "cancel", reason="not needed"), act(client, failed, "reset", to="start")
    refused, terminated = act(client, running, "terminate", reason="stuck"), act(staff, running, "terminate", reason="stuck")

    assert (canceled.status_code, canceled.json()["state"]) == (202, "canceling")
    assert (reset.status_code, reset.json()["attempt"]) == (202, 2)
    assert (refused.status_code, refused.json()["detail"]) == (403, "This account may not terminate this execution.")
    assert (terminated.status_code, terminated.json()["status"]) == (202, "terminated")
    trail = client.get(f"{URL}/{running.pk}/events").json()["items"]
    assert [(event["action"], event["user_id"] == ada.pk, event["reason"]) for event in trail] == [
        ("cancel", True, "not needed"),
        ("terminate", False, "stuck"),
    ]


def test_what_its_state_forbids_is_a_conflict_that_says_what_can_be_done(ada: User, staff: Client) -> None:
    completed = execution("completed", ada)

    for action, fields in (("start", {}), ("cancel", {}), ("terminate", {"reason": "x"}), ("reset", {})):
        answer = act(staff, completed, action, **fields)
        assert answer.status_code == 409
        assert "This execution is completed and cannot" in answer.json()["detail"]
    assert as_user(ada).get(f"{URL}/{completed.pk}").json()["actions"] == []


def test_cancel_takes_no_body_and_termination_wants_a_reason(ada: User, staff: Client) -> None:
    row = execution(user=ada)

    assert staff.generic("POST", f"{URL}/{row.pk}/cancel").status_code == 202
    assert act(staff, row, "terminate").status_code == act(staff, row, "terminate", reason="").status_code == 422


def test_its_tasks_come_in_their_order_with_tries_and_the_log_of_one(ada: User) -> None:
    row, client = execution("failed", ada, attempt=2), as_user(ada)
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    names = [("late", 2, 2), ("early", 2, 1), ("before", 1, 3)]
    for name, attempt, second in names:
        start = moment + timedelta(seconds=second)
        row.tasks.create(
            name=name,
            activity_id=name,
            attempt=attempt,
            status="failed",
            scheduled_at=start,
            started_at=start,
            completed_at=start + timedelta(milliseconds=250),
            tries=[{"started_at": start.isoformat(), "completed_at": start.isoformat(), "error": "Timeout"}],
            log=["a line"],
            output={"sent": 1},
        )

    listed, of_two = client.get(f"{URL}/{row.pk}/tasks").json()["items"], client.get(f"{URL}/{row.pk}/tasks?attempt=2").json()
    task = client.get(f"{URL}/{row.pk}/tasks/{listed[0]['id']}").json()

    assert [item["name"] for item in listed] == ["before", "early", "late"]
    assert [item["name"] for item in of_two["items"]] == ["early", "late"]
    assert (listed[0]["duration_ms"], listed[0]["tries"][0]["error"]) == (250, "Timeout")
    assert "log" not in listed[0]
    assert (task["log"], task["output"]) == (["a line"], {"sent": 1})
    assert client.get(f"{URL}/{execution(user=ada).pk}/tasks/{listed[0]['id']}").status_code == 404


def test_the_workflows_are_listed_with_what_they_ask_for(ada: User) -> None:
    listed = {each["workflow"]: each for each in as_user(ada).get("/api/v1/workflows").json()}

    assert {"user_onboarding", "batch_processing"} <= set(listed)
    onboarding = listed["user_onboarding"]
    assert (onboarding["title"], onboarding["planned_tasks"][0]) == ("User onboarding", "process_user_activity")
    assert {"user_id", "email"} <= set(onboarding["input_schema"]["properties"])
