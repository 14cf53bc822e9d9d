"""Who starts executions of definitions and has them done again: those who may change the project by then."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.executions.models import Execution
from apps.temporal.models import OutboxMessage
from apps.users.models import User
from apps.workflows import services
from apps.workflows.models import Project, Workflow

pytestmark = pytest.mark.django_db
Ask = Callable[..., Any]
INPUT = {"amount": 1}
PLAN = {"workflow": "demo/example", "input": INPUT}


def person(name: str, *permissions: str, **facts: Any) -> User:
    account = User.objects.create_user(f"{name}@example.com", **facts)
    account.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return account


@pytest.fixture
def editor(project: Project) -> User:
    """Somebody who may plan and start whatever may be started, and works in the project."""
    account = person("editor", "add_execution")
    services.set_member(project, user=account, role="editor")
    return account


@pytest.fixture
def failed(workflow: Workflow, editor: User) -> Execution:
    """One that the editor has started."""
    return ended(workflow, editor)


@pytest.fixture(params=["viewer", "removed"])
def leave(request: pytest.FixtureRequest, project: Project, editor: User) -> Callable[[], object]:
    """Have the editor be no editor any more."""
    if request.param == "viewer":
        return lambda: services.set_member(project, user=editor, role="viewer")
    return lambda: services.remove_member(project, user=editor)


def ended(workflow: Workflow, user: User) -> Execution:
    assert workflow.current is not None
    execution = services.start(workflow.current, values=INPUT, user=user)
    Execution.objects.filter(pk=execution.pk).update(status="failed", temporal_run_id="a run")
    return execution


def test_who_has_left_looks_at_what_was_theirs_and_does_not_try_it_again(
    ask: Ask, as_user: Callable[[User], Client], failed: Execution, editor: User, leave: Callable[[], object]
) -> None:
    api, page, browser = f"/executions/{failed.pk}", f"/executions/{failed.pk}/", as_user(editor)
    assert ask("GET", api, user=editor).json()["actions"] == ["reset"]
    assert f"{page}reset/" in browser.get(page).content.decode()

    leave()

    assert ask("GET", api, user=editor).json()["actions"] == []
    assert f"{page}reset/" not in browser.get(page).content.decode()
    assert f"{page}reset/" not in browser.get(f"{page}live").content.decode()
    answer = ask("POST", f"{api}/reset", {"to": "start", "repeat_effects": True}, user=editor)
    assert (answer.status_code, answer.json()["detail"]) == (403, "This account may not reset this execution.")
    assert browser.post(f"{page}reset/", {"to": "start"}).status_code == 403
    assert not OutboxMessage.objects.filter(kind="reset").exists()


def test_who_has_left_starts_nothing_that_was_planned_also_by_its_key(
    ask: Ask, as_user: Callable[[User], Client], workflow: Workflow, editor: User, leave: Callable[[], object]
) -> None:
    planned = ask("POST", "/executions", PLAN, user=editor, Idempotency_Key="k").json()
    assert planned["actions"] == ["cancel", "start"]

    leave()

    again = ask("POST", "/executions", {**PLAN, "start": True}, user=editor, Idempotency_Key="k")
    started = ask("POST", f"/executions/{planned['id']}/start", user=editor)
    by_page = as_user(editor).post(f"/executions/{planned['id']}/start/")
    assert [answer.status_code for answer in (again, started, by_page)] == [403] * 3
    assert not OutboxMessage.objects.filter(aggregate_id=planned["workflow_id"]).exists()
    # To stop what was theirs harms nobody.
    assert ask("GET", f"/executions/{planned['id']}", user=editor).json()["actions"] == ["cancel"]
    assert ask("POST", f"/executions/{planned['id']}/cancel", user=editor).status_code == 202


def test_in_the_admin_too_it_takes_more_than_having_started_it(
    as_user: Callable[[User], Client], workflow: Workflow, project: Project
) -> None:
    own = person("staff", "view_execution", is_staff=True)
    other = person("other", "view_execution", "change_execution", is_staff=True)
    services.set_member(project, user=own, role="editor")
    failed = ended(workflow, own)
    services.remove_member(project, user=own)
    wanted = {"action": "reset", "_selected_action": [str(failed.pk)]}

    as_user(own).post("/admin/executions/execution/", wanted)
    assert not OutboxMessage.objects.filter(kind="reset").exists()

    as_user(other).post("/admin/executions/execution/", wanted)
    assert OutboxMessage.objects.filter(kind="reset").count() == 1


def test_the_owner_goes_on_as_before_and_so_do_those_with_the_permission(
    ask: Ask, workflow: Workflow, owner: User, failed: Execution
) -> None:
    own, changer = ended(workflow, owner), person("changer", "view_execution", "change_execution")

    assert ask("POST", f"/executions/{own.pk}/reset", {}).status_code == 202
    assert ask("POST", f"/executions/{failed.pk}/reset", {}).status_code == 403
    assert ask("POST", f"/executions/{failed.pk}/reset", {}, user=changer).status_code == 202


def test_a_long_list_of_ones_own_costs_no_query_for_each(
    as_user: Callable[[User], Client],
    workflow: Workflow,
    editor: User,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(20):
        ended(workflow, editor)
    browser = as_user(editor)

    with django_assert_max_num_queries(10):
        shown = browser.get("/api/v1/executions?status=failed").json()["items"]
    assert [each["actions"] for each in shown] == [["reset"]] * 20
