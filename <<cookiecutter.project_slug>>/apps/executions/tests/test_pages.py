"""The pages of executions: who sees what, what they find, what they may do, and what that costs."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from apps.executions import live
from apps.executions.models import Execution, TaskExecution
from apps.executions.tests.rows import execution, person
from apps.users.models import User

pytestmark = pytest.mark.django_db

LIST = "/executions/"
NOW = timezone.now()


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(client: Client, path: str, **query: Any) -> str:
    response = client.get(path, query)
    assert response.status_code == 200
    return response.content.decode()


def path(row: Execution, action: str = "") -> str:
    return f"/executions/{row.pk}/{action}"


def listed(client: Client, **query: Any) -> set[str]:
    """The executions that the list has, by workflow id."""
    return set(re.findall(r'<span class="id">([^<]+)</span>', page(client, LIST, **query)))


def add_tasks(row: Execution, number: int, **fields: Any) -> None:
    TaskExecution.objects.bulk_create(
        TaskExecution(execution=row, name=f"step_{n}", activity_id=str(n), run_id="r", scheduled_at=NOW, **fields)
        for n in range(number)
    )


@pytest.mark.parametrize("place", ["", "new/", "dashboard/", "{}/", "{}/live", "{}/cancel/", "{}/tasks/1/"])
def test_strangers_are_asked_to_sign_in(client: Client, place: str) -> None:
    response = client.get(LIST + place.format(execution().pk))

    assert response.status_code == 302
    assert response.headers["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("place", ["", "live", "cancel/", "start/", "reset/", "terminate/", "tasks/1/"])
def test_what_belongs_to_others_looks_as_if_it_were_not_there(place: str) -> None:
    others = execution(user=person("ada"))

    bob = browser(person("bob"))

    assert bob.get(path(others, place)).status_code == 404
    assert bob.post(path(others, place)).status_code in {404, 405}


def test_people_see_their_own_executions_and_with_the_permission_all() -> None:
    ada, staff = person("ada"), person("staff", "view_execution")
    mine, others = execution(user=ada), execution()

    assert listed(browser(ada)) == {str(mine)}
    assert listed(browser(staff)) == {str(mine), str(others)}
    assert "Account" in page(browser(staff), LIST)


def test_the_list_says_what_to_do_when_there_is_nothing() -> None:
    assert "Nothing has run yet" in page(browser(person("ada")), LIST)
    assert "Start the first one" in page(browser(person("bob", "add_execution")), LIST)
    assert "Nothing matches" in page(browser(person("eve")), LIST, q="x")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"status": "failed"}, {"old"}),
        ({"status": "open"}, {"new", "batch-7"}),
        ({"workflow": "batch_processing"}, {"batch-7"}),
        ({"q": "BATCH"}, {"batch-7"}),
        ({"user": "ada@"}, {"new", "old"}),
        ({"since": "2026-02-02"}, {"new", "batch-7"}),
        ({"until": "2026-02-01"}, {"old"}),
        ({"since": "2026-02-01", "until": "2026-02-01", "status": "failed", "q": "ol"}, {"old"}),
        ({"status": "nonsense", "since": "yesterday"}, {"new", "old", "batch-7"}),
        ({"page": "nonsense"}, {"new", "old", "batch-7"}),
    ],
)
def test_executions_are_found_by_what_is_known_of_them(query: dict[str, str], found: set[str]) -> None:
    ada = person("ada")
    execution("failed", ada, temporal_workflow_id="old", created_at="2026-02-01T23:59:59Z")
    execution("running", ada, temporal_workflow_id="new")
    execution("paused", None, temporal_workflow_id="batch-7", workflow="batch_processing")

    assert listed(browser(person("staff", "view_execution")), **query) == found


def test_an_execution_is_found_by_its_id() -> None:
    wanted, _ = execution(), execution()

    assert listed(browser(person("staff", "view_execution")), q=f" {wanted.pk} ") == {str(wanted)}


def test_a_page_of_the_list_has_50_rows_and_keeps_its_filters() -> None:
    Execution.objects.bulk_create(
        Execution(workflow="user_onboarding", temporal_workflow_id=f"run-{n}", status="failed") for n in range(120)
    )
    staff = browser(person("staff", "view_execution"))

    assert len(listed(staff, status="failed")) == 50
    assert len(listed(staff, status="failed", page=3)) == 20
    assert "status=failed&amp;page=3" in page(staff, LIST, status="failed", page=2)


@pytest.mark.parametrize("number", [1, 50])
def test_the_list_costs_at_most_ten_queries(number: int) -> None:
    for n in range(number):
        execution("running", person(f"user{n}"))
    staff = browser(person("staff", "view_execution"))

    with CaptureQueriesContext(connection) as queries:
        assert len(listed(staff, status="running", user="user")) == number

    assert len(queries) <= 10


@pytest.mark.parametrize("number", [1, 50])
def test_the_page_of_an_execution_costs_as_many_queries_for_many_tasks_as_for_one(number: int) -> None:
    ada = person("ada")
    row = execution("running", ada)
    add_tasks(row, number, status="running", started_at=NOW)

    client = browser(ada)

    with CaptureQueriesContext(connection) as queries:
        page(client, path(row))

    assert len(queries) <= 12


def test_five_thousand_tasks_stand_on_pages_of_fifty() -> None:
    ada = person("ada")
    row = execution("running", ada, tasks_total=5000)
    add_tasks(row, 5000, status="running", started_at=NOW)
    shown: Callable[[str], list[str]] = lambda text: re.findall(r'id="task-\d+"', text)  # noqa: E731  short

    first, last = page(browser(ada), path(row)), page(browser(ada), path(row), page=100)

    assert (len(shown(first)), len(shown(last)), len(set(shown(first) + shown(last)))) == (50, 50, 100)
    assert "Page 1 of 100" in first
    assert "At work" in first
    assert "Page 100 of 100" in page(browser(ada), path(row), page=10**8)


@pytest.mark.parametrize("number", ["9" * 4_301, "9" * 10, "²", "-1", "x", ""])
def test_a_page_that_is_no_number_of_one_is_the_first(number: str) -> None:
    ada = person("ada")
    row = execution("running", ada)
    add_tasks(row, 100, status="running", started_at=NOW)

    assert "Page 1 of 2" in page(browser(ada), path(row), page=number)
    assert "Page 1 of 2" in page(browser(ada), path(row, "live"), page=number)


def test_what_executions_say_is_shown_and_not_run() -> None:
    ada, evil = person("ada"), "<script>alert(1)</script>"
    row = execution("failed", ada, error_message=evil, input={"a": evil}, result=evil, current_step=evil)
    add_tasks(
        row, 1, status="failed", error=evil, log=[evil], output=evil, progress_message=evil, progress_total=2, progress_done=1
    )
    row.events.create(action="cancel", by="user", user=ada, reason=evil)

    shown = page(browser(ada), path(row)) + page(browser(ada), path(row, f"tasks/{row.tasks.get().pk}/"))

    assert evil not in shown
    assert shown.count("&lt;script&gt;alert(1)") >= 8


def test_no_page_has_code_or_style_of_its_own() -> None:
    root = User.objects.create_superuser("root@example.com")
    row = execution("failed", root)
    add_tasks(row, 2, status="failed", started_at=NOW, completed_at=NOW + timedelta(seconds=1))
    places = [
        "",
        "new/",
        "new/?workflow=user_onboarding",
        f"{row.pk}/",
        f"{row.pk}/reset/",
        f"{row.pk}/tasks/{row.tasks.all()[0].pk}/",
    ]

    shown = "".join(page(browser(root), LIST + place) for place in places)

    assert re.findall(r"<[^>]+ (?:style|on\w+)=|<style|<script(?! src)", shown) == []


def test_staff_alone_are_told_where_temporal_is() -> None:
    ada = person("ada")
    row = execution(user=ada, temporal_workflow_id="a b/c", temporal_run_id="r1")
    staff = person("staff", "view_execution", is_staff=True)

    assert "/workflows/a%20b%2Fc/r1" in page(browser(staff), path(row))
    assert "in Temporal" not in page(browser(ada), path(row))


BUTTONS = {
    "planned": "start cancel",
    **dict.fromkeys(("pending", "running", "paused"), "cancel"),
    "completed": "",
    **dict.fromkeys(("failed", "canceled", "terminated", "timed_out"), "reset"),
}


@pytest.mark.parametrize("status", BUTTONS)
@pytest.mark.parametrize("who", ["owner", "reader", "staff"])
def test_a_page_has_a_button_for_what_its_reader_can_do_and_no_other(status: str, who: str) -> None:
    ada = person("ada")
    reader = {
        "owner": ada,
        "reader": person("reader", "view_execution"),
        "staff": person("staff", "view_execution", "change_execution", "add_execution", "terminate_execution"),
    }[who]
    asked = {} if status == "planned" else {"start_requested_at": NOW}
    row = execution("pending" if status == "planned" else status, ada, **asked)
    terminate = ["terminate"] if who == "staff" and row.is_open else []
    expected = [] if who == "reader" else [*BUTTONS[status].split(), *terminate]

    assert sorted(re.findall(r'id="do-(\w+)"', page(browser(reader), path(row)))) == sorted(expected)


@pytest.mark.parametrize("action", ["start", "cancel", "reset", "terminate"])
def test_what_an_account_may_not_do_to_what_it_sees_is_refused(action: str) -> None:
    row = execution("running", person("ada"))

    assert browser(person("reader", "view_execution")).post(path(row, f"{action}/"), {"reason": "x"}).status_code == 403


@pytest.mark.parametrize(
    ("status", "seconds", "expected"),
    [("running", 0, 2500), ("paused", 0, 10000), ("completed", 1, 2500), ("completed", 60, 0), ("failed", 60, 0)],
)
def test_a_page_asks_slower_when_paused_and_stops_at_the_end(
    monkeypatch: pytest.MonkeyPatch, status: str, seconds: int, expected: int
) -> None:
    monkeypatch.setattr(live, "LINGER", timedelta(seconds=59))
    ended = timezone.now() - timedelta(seconds=seconds) if seconds else None
    row = execution(status, person("ada"), completed_at=ended, start_requested_at=NOW)

    assert live.pace(row) == expected
    assert f'data-every="{expected}"' in live.render_detail(row, frozenset())


def test_a_task_has_a_page_with_its_tries_its_log_and_its_output() -> None:
    ada = person("ada")
    row = execution("running", ada)
    tries = [{"started_at": "2026-02-01T10:00:00Z", "completed_at": "2026-02-01T10:00:02Z", "error": "OSError: away"}]
    add_tasks(row, 1, status="running", started_at=NOW, tries=tries, log=["one line"], output={"sent": 3})

    shown = page(browser(ada), path(row, f"tasks/{row.tasks.get().pk}/"))

    assert all(text in shown for text in ("failed after 2.0 s", "OSError: away", "one line", "&quot;sent&quot;: 3", "runs since"))
    assert browser(ada).get(path(execution(user=ada), f"tasks/{row.tasks.get().pk}/")).status_code == 404


def test_an_unknown_execution_gets_a_page_that_says_so() -> None:
    response = browser(person("ada")).get(f"/executions/{uuid4()}/")

    assert response.status_code == 404
    assert "There is nothing at this address" in response.content.decode()
