"""`/api/v1/workflows/ID`: drafts that two cannot overwrite, steps, publishing, versions, copies."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.users.models import User
from apps.workflows import services
from apps.workflows.models import Project, Workflow
from apps.workflows.tests.asked import DEFINITION, START, STEP

pytestmark = pytest.mark.django_db
Ask = Callable[..., Any]


@pytest.fixture
def workflow(make_workflow: Callable[..., Workflow]) -> Workflow:
    return make_workflow(START, STEP)


@pytest.fixture
def path(workflow: Workflow) -> str:
    return f"/workflows/{workflow.pk}"


def nested(depth: int) -> Any:
    """Lists in each other."""
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


def test_a_draft_begins_with_what_is_published(ask: Ask, path: str) -> None:
    draft = ask("GET", f"{path}/draft").json()

    assert (draft["revision"], draft["problems"]) == (1, [])
    assert [step["key"] for step in draft["definition"]["steps"]] == ["start", "end"]


def test_two_who_edit_at_once_do_not_overwrite_each_other(ask: Ask, path: str) -> None:
    mine, yours = ({**DEFINITION, "name": name} for name in ("Mine", "Yours"))

    first = ask("PUT", f"{path}/draft", mine, If_Match='"1"')
    second = ask("PUT", f"{path}/draft", yours, If_Match='"1"')

    assert (first.status_code, first.json()["revision"]) == (200, 2)
    assert (second.status_code, second.json()["detail"][:13]) == (409, "Somebody else")
    assert ask("PUT", f"{path}/draft", yours, If_Match="nonsense").status_code == 409
    assert ask("PUT", f"{path}/draft", yours, If_Match="2").status_code == 200
    assert ask("GET", path).json()["name"] == "Yours"


def test_a_draft_may_be_unfinished_and_says_what_is_missing(ask: Ask, path: str) -> None:
    unfinished = {**DEFINITION, "steps": [START, STEP, {"key": "which", "kind": "condition", "name": "Which?"}]}

    saved = ask("PUT", f"{path}/draft", unfinished)

    assert saved.status_code == 200
    assert saved.json()["problems"] == [
        {"step": "which", "field": "next", "message": "Say what follows: this step does nothing else."}
    ]


def test_steps_are_added_changed_and_removed(ask: Ask, path: str) -> None:
    added = ask("POST", f"{path}/steps", STEP | {"key": "middle", "position": 2, "next": [{"to": "end"}]})
    assert (added.status_code, added.json()["revision"]) == (201, 2)
    ask("PUT", f"{path}/steps/start", START | {"next": [{"to": "middle"}]})
    renamed = ask("PUT", f"{path}/steps/middle", STEP | {"key": "centre", "next": [{"to": "end"}]})
    assert renamed.json()["problems"] == []

    steps = ask("GET", f"{path}/steps").json()
    assert [(step["position"], step["key"], [edge["to"] for edge in step["next"]]) for step in steps] == [
        (1, "start", ["centre"]),
        (2, "centre", ["end"]),
        (3, "end", []),
    ]
    removed = ask("DELETE", f"{path}/steps/centre")
    assert [(problem["step"], problem["message"][:16]) for problem in removed.json()["problems"]] == [("end", "Nothing leads to")]
    assert ask("DELETE", f"{path}/steps/centre").status_code == 404
    assert ask("PUT", f"{path}/steps/end", STEP | {"kind": "magic"}).status_code == 422


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": ["a"]},
        {"type": "object", "properties": ["a"]},
        {"type": "object", "properties": {"a": 1}},
        {"type": "object", "properties": {"a": {"type": "array", "items": [1]}}},
        {"type": "object", "required": 1},
        {"type": "object", "properties": {"a": {"type": "array", "default": nested(101)}}},
    ],
)
def test_an_input_that_no_form_can_ask_for_is_not_kept(
    ask: Ask, workflow: Workflow, as_user: Callable[[User], Client], owner: User, schema: Any
) -> None:
    definition, path, project = {**DEFINITION, "input_schema": schema}, f"/workflows/{workflow.pk}", workflow.project

    refused = [
        ask("PUT", f"{path}/draft", definition),
        ask("POST", f"/projects/{project.pk}/workflows", {"definition": definition}),
        ask("POST", f"/projects/{project.pk}/workflows/import", definition),
    ]

    assert [(answer.status_code, answer.json()["errors"][0]["field"]) for answer in refused] == [(422, "input_schema")] * 3
    assert ask("GET", f"{path}/draft").json()["revision"] == 1
    pages = ("edit/", "edit/input/", "edit/steps/end/", "compare/")
    assert [as_user(owner).get(f"{path}/{page}").status_code for page in pages] == [200] * 4


@pytest.mark.parametrize("depth", [101, 1_500])
def test_a_step_is_nested_so_deep_and_no_deeper(ask: Ask, path: str, project: Project, depth: int) -> None:
    step = STEP | {"config": {"values": {"a": nested(depth)}}}
    definition = {**DEFINITION, "steps": [START, step]}

    refused = [
        ask("PUT", f"{path}/draft", definition),
        ask("PUT", f"{path}/steps/end", step),
        ask("POST", f"{path}/steps", step | {"key": "more"}),
        ask("POST", f"/projects/{project.pk}/workflows/import", definition),
    ]

    assert [answer.status_code for answer in refused] == [422] * 4
    assert [answer.json()["errors"][0]["field"] for answer in refused[:2]] == ["steps.end.config"] * 2
    assert ask("GET", f"{path}/draft").json()["revision"] == 1


def test_a_step_that_cannot_be_right_is_not_kept(ask: Ask, path: str) -> None:
    refused = ask("POST", f"{path}/steps", STEP | {"key": "more", "config": {}})

    assert refused.status_code == 422
    assert refused.json()["errors"] == [{"field": "steps.more.values", "message": "Field required"}]
    assert ask("POST", f"{path}/steps", STEP).json()["errors"][0]["field"] == "steps.end"


def test_publishing_makes_a_version_and_leaves_the_earlier_one(ask: Ask, path: str, owner: User) -> None:
    ask("PUT", f"{path}/steps/end", STEP | {"name": "Another end"})

    published = ask("POST", f"{path}/publish", {"note": "A better name"})

    assert published.status_code == 200
    facts = ("number", "note", "published_by_id", "is_current")
    assert [published.json()[fact] for fact in facts] == [2, "A better name", owner.pk, True]
    assert [each["number"] for each in ask("GET", f"{path}/versions").json()["items"]] == [2, 1]
    names = {number: ask("GET", f"{path}/versions/{number}").json()["definition"]["steps"][1]["name"] for number in (1, 2)}
    assert names == {1: "End", 2: "Another end"}
    assert "End" in ask("GET", f"{path}/export?version=1").content.decode()
    assert ask("GET", f"{path}/versions/3").status_code == 404
    assert ask("GET", path).json()["version"] == 2


def test_what_keeps_a_draft_from_being_published_is_said_with_its_step(ask: Ask, path: str) -> None:
    ask("PUT", f"{path}/steps/end", STEP | {"next": [{"to": "start"}]})

    refused = ask("POST", f"{path}/publish", {})

    assert refused.status_code == 422
    assert {error["field"] for error in refused.json()["errors"]} == {"steps.start.next", "steps.end.next"}
    assert ask("GET", path).json()["version"] == 1


def test_a_workflow_is_renamed_archived_and_made_active_again(ask: Ask, path: str) -> None:
    changed = ask("PATCH", path, {"name": "Other", "description": "Why"}).json()
    assert (changed["name"], changed["description"], changed["slug"]) == ("Other", "Why", "example")
    assert ask("PATCH", path, {"description": ""}).json()["name"] == "Other"

    assert ask("PATCH", path, {"status": "archived"}).json()["status"] == "archived"
    assert ask("PATCH", path, {"status": "active"}).json()["status"] == "active"


def test_a_workflow_that_was_never_published_does_not_become_active(ask: Ask, project: Project) -> None:
    made = ask("POST", f"/projects/{project.pk}/workflows", {"name": "New"}).json()

    assert ask("PATCH", f"/workflows/{made['id']}", {"status": "active"}).status_code == 422
    assert ask("DELETE", f"/workflows/{made['id']}").status_code == 204


def test_a_workflow_that_ran_is_not_deleted(ask: Ask, path: str, workflow: Workflow, owner: User) -> None:
    assert workflow.current is not None
    services.start(workflow.current, values={}, user=owner)

    refused = ask("DELETE", path)

    assert (refused.status_code, "archive it" in refused.json()["detail"]) == (409, True)


def test_a_copy_is_a_draft_of_its_own_also_in_another_project(ask: Ask, path: str, project: Project) -> None:
    viewer = User.objects.create_user(email="viewer@example.com")
    services.set_member(project, user=viewer, role="viewer")
    own = services.create_project(name="Own", owner=viewer)

    copied = ask("POST", f"{path}/duplicate", {})
    carried = ask("POST", f"{path}/duplicate", {"project_id": str(own.pk), "name": "Mine"}, user=viewer)

    assert (copied.json()["name"], copied.json()["status"]) == ("Example (copy)", "draft")
    assert (carried.status_code, carried.json()["full_name"]) == (201, "own/mine")
    assert ask("POST", f"{path}/duplicate", {}, user=viewer).status_code == 403
    assert ask("POST", f"{path}/duplicate", {"project_id": str(own.pk)}).status_code == 404


def test_viewers_read_and_change_nothing(ask: Ask, path: str, project: Project) -> None:
    viewer = User.objects.create_user(email="viewer@example.com")
    services.set_member(project, user=viewer, role="viewer")
    read = ("", "/draft", "/steps", "/versions", "/versions/1", "/export", "/runs")
    change = [
        ("PATCH", "", {"name": "x"}),
        ("DELETE", "", None),
        ("PUT", "/draft", DEFINITION),
        ("POST", "/steps", STEP | {"key": "more"}),
        ("PUT", "/steps/end", STEP),
        ("DELETE", "/steps/end", None),
        ("POST", "/publish", {}),
        ("POST", "/execute", {}),
    ]

    assert {ask("GET", f"{path}{end}", user=viewer).status_code for end in read} == {200}
    assert {ask(method, f"{path}{end}", body, user=viewer).status_code for method, end, body in change} == {403}


def test_every_kind_says_what_it_must_be_told(ask: Ask) -> None:
    kinds = {kind["name"]: kind for kind in ask("GET", "/workflows/kinds").json()}

    assert (kinds["trigger"]["is_trigger"], kinds["trigger"]["title"], kinds["wait"]["flow"]) == (True, "Start", "wait")
    assert kinds["values"]["config_schema"]["required"] == ["values"]
    assert all(kind["description"] and kind["family"] for kind in kinds.values())
