"""`/api/v1/projects`: whose projects are, who works in them, and how workflows come into them."""

from collections.abc import Callable
from typing import Any

import pytest

from apps.users.models import User
from apps.workflows import services
from apps.workflows.models import Membership, Project, Workflow
from apps.workflows.tests.asked import DEFINITION, START, STEP

pytestmark = pytest.mark.django_db
Ask = Callable[..., Any]


@pytest.fixture
def people(project: Project) -> dict[str, User]:
    made = {who: User.objects.create_user(email=f"{who}@example.com") for who in ("viewer", "editor", "stranger")}
    for role in ("viewer", "editor"):
        services.set_member(project, user=made[role], role=role)
    return made


def problems(answer: Any) -> dict[str, str]:
    return {error["field"]: error["message"] for error in answer.json()["errors"]}


def test_a_project_is_made_renamed_and_deleted_by_its_owner(ask: Ask, owner: User) -> None:
    made = ask("POST", "/projects", {"name": "Web shop"})
    assert (made.status_code, made.json()["slug"], made.json()["owner_id"]) == (201, "web-shop", owner.pk)
    path = f"/projects/{made.json()['id']}"

    assert ask("PATCH", path, {"name": "Shop"}).json()["name"] == "Shop"
    assert [each["name"] for each in ask("GET", "/projects").json()["items"]] == ["Shop"]
    assert ask("DELETE", path).status_code == 204
    assert ask("GET", path).status_code == 404


def test_a_slug_that_is_taken_is_refused(ask: Ask, project: Project) -> None:
    refused = ask("POST", "/projects", {"name": "Other", "slug": project.slug})

    assert (refused.status_code, set(problems(refused))) == (422, {"slug"})


def test_each_role_may_do_what_is_its_own(ask: Ask, project: Project, people: dict[str, User]) -> None:
    path = f"/projects/{project.pk}"
    answers = {
        who: [
            ask("GET", path, user=user).status_code,
            ask("POST", f"{path}/workflows", {"name": "New"}, user=user).status_code,
            ask("PATCH", path, {"name": "Renamed"}, user=user).status_code,
            ask("PUT", f"{path}/members", {"email": "viewer@example.com", "role": "editor"}, user=user).status_code,
        ]
        for who, user in people.items()
    }

    assert answers == {"viewer": [200, 403, 403, 403], "editor": [200, 201, 403, 403], "stranger": [404, 404, 404, 404]}


def test_members_are_added_by_address_and_taken_out(ask: Ask, project: Project, people: dict[str, User]) -> None:
    path = f"/projects/{project.pk}/members"

    changed = ask("PUT", path, {"email": " Stranger@Example.com ", "role": "editor"})
    assert (changed.status_code, changed.json()["role"]) == (200, "editor")
    assert [each["email"] for each in ask("GET", path).json()["items"]] == [
        "editor@example.com",
        "stranger@example.com",
        "viewer@example.com",
    ]
    assert problems(ask("PUT", path, {"email": "nobody@example.com"})).keys() == {"email"}

    assert ask("DELETE", f"{path}/{people['stranger'].pk}").status_code == 204
    assert ask("DELETE", f"{path}/{people['stranger'].pk}").status_code == 404
    assert not Membership.objects.filter(user=people["stranger"]).exists()


def test_a_project_with_workflows_is_not_deleted(ask: Ask, project: Project, make_workflow: Callable[..., Workflow]) -> None:
    make_workflow(*DEFINITION["steps"])

    refused = ask("DELETE", f"/projects/{project.pk}")

    assert (refused.status_code, refused.json()["detail"]) == (409, "Demo has workflows: delete or archive those first.")


def test_a_workflow_is_made_of_a_definition(ask: Ask, project: Project) -> None:
    path = f"/projects/{project.pk}/workflows"

    made = ask("POST", path, {"definition": DEFINITION, "name": "Mine"})

    assert made.status_code == 201
    facts = ("name", "full_name", "status", "version", "revision")
    assert [made.json()[fact] for fact in facts] == ["Mine", "demo/mine", "draft", None, 0]
    assert [step["key"] for step in ask("GET", f"/workflows/{made.json()['id']}/steps").json()] == ["start", "end"]
    assert [each["name"] for each in ask("GET", f"{path}?status=draft").json()["items"]] == ["Mine"]
    assert ask("GET", f"{path}?status=active").json()["items"] == []


@pytest.mark.parametrize(
    ("step", "field", "message"),
    [
        (STEP | {"kind": "magic"}, "steps.end.kind", "There is no kind of step 'magic'"),
        (STEP | {"config": {"values": {}, "speed": 3}}, "steps.end.speed", "Extra inputs"),
        (STEP | {"config": {"values": {"a": "{{ nobody }}"}}}, "steps.end.values", "speaks of nobody"),
        (STEP | {"next": [{"to": "start", "condition": "input.a =="}]}, "steps.end.next", "is no expression"),
        (STEP | {"next": [{"to": "nowhere"}]}, "steps.end.next", "There is no step nowhere"),
        (STEP | {"key": "start"}, "steps.start", "Two steps have the key start"),
        (STEP | {"key": "1st"}, "definition.steps.1.key", "should match pattern"),
        (STEP | {"attempts": 0}, "definition.steps.1.attempts", "greater than or equal to 1"),
        (STEP | {"colour": "red"}, "definition.steps.1.colour", "Extra inputs"),
    ],
)
def test_a_step_that_means_nothing_is_refused_by_its_name_and_field(
    ask: Ask, project: Project, step: dict[str, Any], field: str, message: str
) -> None:
    definition = {**DEFINITION, "steps": [START, step]}

    refused = ask("POST", f"/projects/{project.pk}/workflows", {"definition": definition})

    assert refused.status_code == 422
    assert message in problems(refused)[field]
    assert not Workflow.objects.exists()


def test_a_file_is_imported_as_it_was_exported(ask: Ask, project: Project, as_user: Any, owner: User) -> None:
    made = ask("POST", f"/projects/{project.pk}/workflows", {"definition": DEFINITION}).json()

    for form in ("yaml", "json"):
        exported = ask("GET", f"/workflows/{made['id']}/export?format={form}")
        assert exported["Content-Disposition"] == f'attachment; filename="example.{form}"'
        imported = as_user(owner).generic(
            "POST", f"/api/v1/projects/{project.pk}/workflows/import", exported.content, content_type=exported["Content-Type"]
        )
        assert imported.status_code == 201
        again = ask("GET", f"/workflows/{imported.json()['id']}/export?format={form}")
        assert again.content == exported.content
    assert set(project.workflows.values_list("slug", flat=True)) == {"example", "example-2", "example-3"}


@pytest.mark.parametrize("content", [b"\xff", b"[1, 2", b"- a", b"name: x\nsteps: 3", b'{"name": "x", "steps": [{"key": "a"}]}'])
def test_a_file_that_is_no_definition_is_refused(as_user: Any, owner: User, project: Project, content: bytes) -> None:
    path = f"/api/v1/projects/{project.pk}/workflows/import"

    refused = as_user(owner).generic("POST", path, content, content_type="application/yaml")

    assert refused.status_code == 422
    assert refused.json()["errors"]
