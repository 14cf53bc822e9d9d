"""The pages of workflows, without a browser: who may open and do what, and what they refuse."""

from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.executions.models import Execution
from apps.users.models import User
from apps.workflows import services
from apps.workflows.definitions import StepDoc
from apps.workflows.models import Project, StepRun, Workflow
from apps.workflows.tests.pages import browser, edited, place, shown

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(owner: User) -> Client:
    return browser(owner)


@pytest.fixture
def ada(django_user_model: type[User]) -> User:
    return django_user_model.objects.create_user(email="ada@example.com")


READ = ("", "versions/1/", "compare/", "export/yaml", "export/json")
WRITE = ("edit/", "edit/input/", "edit/steps/new/", "edit/steps/note/", "rename/", "run/", "test/", "delete/")
DONE = ("edit/publish/", "edit/steps/note/delete/", "edit/steps/note/move/up/", "status/", "duplicate/")


def test_strangers_find_nothing_viewers_read_and_only_editors_change(
    workflow: Workflow, project: Project, django_user_model: type[User]
) -> None:
    people = {name: django_user_model.objects.create_user(email=f"{name}@example.com") for name in ("no", "viewer", "editor")}
    for role in ("viewer", "editor"):
        services.set_member(project, user=people[role], role=role)
    clients = {name: browser(user) for name, user in people.items()}

    for path in READ:
        assert [clients[name].get(place(workflow, path)).status_code for name in clients] == [404, 200, 200], path
    for path in WRITE:
        assert [clients[name].get(place(workflow, path)).status_code for name in clients] == [404, 403, 200], path
    for path in DONE:
        assert [clients[name].post(place(workflow, path)).status_code for name in clients] == [404, 403, 302], path
        assert clients["editor"].get(place(workflow, path)).status_code == 405
    assert Client().get(place(workflow)).status_code == 302
    assert "Edit" not in shown(clients["viewer"], place(workflow))
    assert workflow.name not in shown(clients["no"], "/workflows/")


def test_pages_without_anything_say_how_to_begin(client: Client) -> None:
    assert "Make the first one" in shown(client, "/workflows/")
    assert "Make the first one" in shown(client, "/workflows/projects/")
    assert client.get("/workflows/new/").headers["Location"] == "/workflows/projects/new/"


def test_lists_are_searched_and_leave_archived_ones_out(client: Client, workflow: Workflow) -> None:
    services.set_status(workflow, "archived")

    assert place(workflow) not in shown(client, "/workflows/")
    assert place(workflow) in shown(client, "/workflows/?status=archived")
    assert "Nothing matches" in shown(client, "/workflows/?q=nothing&status=archived")
    assert place(workflow) in shown(client, "/workflows/?q=exam&status=archived")
    assert place(workflow) in shown(client, "/workflows/?q=ex%00am&status=archived")


def test_a_project_is_made_renamed_shared_and_deleted(client: Client, owner: User, ada: User) -> None:
    made = client.post("/workflows/projects/new/", {"name": "Sales"}).headers["Location"]
    client.post(made, {"name": "Selling"})
    assert "There is no account" in client.post(f"{made}members/", {"email": "x@y.com", "role": "viewer"}).content.decode()
    client.post(f"{made}members/", {"email": ada.email.upper(), "role": "editor"})

    project = Project.objects.get()
    assert (project.name, project.slug, project.owner) == ("Selling", "sales", owner)
    assert project.memberships.get().role == "editor"
    assert browser(ada).post(made, {"name": "Mine"}).status_code == 403
    client.post(f"{made}members/{ada.pk}/remove/")
    client.post(f"{made}delete/")
    assert not Project.objects.exists()


def test_a_project_with_workflows_is_not_deleted(client: Client, workflow: Workflow) -> None:
    response = client.post(f"/workflows/projects/{workflow.project_id}/delete/", follow=True)

    assert "has workflows" in response.content.decode()
    assert Project.objects.exists()


def test_a_workflow_is_made_of_a_file_and_goes_out_as_one(client: Client, project: Project, workflow: Workflow) -> None:
    exported = client.get(place(workflow, "export/yaml")).content
    file = SimpleUploadedFile("example.yaml", exported)

    made = client.post("/workflows/new/", {"project": project.pk, "name": "", "file": file}).headers["Location"]

    assert "Note" in shown(client, made)
    assert edited(Workflow.objects.exclude(pk=workflow.pk).get()).steps == edited(workflow).steps
    assert client.get(place(workflow, "export/xml")).status_code == 404


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"\xff", "no text in UTF-8"), (b"name: [", "neither YAML nor JSON"), (b"name: A\nsteps: [{key: a}]", "steps.0.kind")],
)
def test_a_bad_file_is_refused_with_the_reason(client: Client, project: Project, content: bytes, said: str) -> None:
    response = client.post("/workflows/new/", {"project": project.pk, "file": SimpleUploadedFile("x.yaml", content)})

    assert said in response.content.decode()


def test_a_file_with_a_bad_configuration_names_the_step(client: Client, project: Project) -> None:
    file = SimpleUploadedFile(
        "x.json", b'{"name": "A", "steps": [{"key": "a", "kind": "wait", "name": "A", "config": {"x": 1}}]}'
    )

    assert "steps.a.x" in client.post("/workflows/new/", {"project": project.pk, "file": file}).content.decode()


def test_problems_lead_to_their_steps_and_nothing_is_published_with_them(client: Client, workflow: Workflow) -> None:
    document = edited(workflow)
    document.steps.append(StepDoc(key="lost", kind="condition", name="Lost"))
    services.change_draft(workflow, document)

    page = shown(client, place(workflow, "edit/"))
    response = client.post(place(workflow, "edit/publish/"), follow=True).content.decode()

    assert f'<a href="{place(workflow, "edit/steps/lost/")}">Lost</a>' in page
    assert "cannot be published yet" in response
    assert Workflow.objects.get(pk=workflow.pk).current == workflow.current
    assert client.get(place(workflow, "test/"), follow=True).redirect_chain[-1][0] == place(workflow, "edit/")


def test_versions_are_compared_and_shown_as_they_were(client: Client, workflow: Workflow, owner: User) -> None:
    document = edited(workflow)
    document.steps[1].name = "Note it down"
    services.change_draft(workflow, document)

    assert "Note it down" in shown(client, place(workflow, "compare/"))
    services.publish(workflow, user=owner)
    assert "Note it down" in shown(client, place(workflow, "compare/?new=2"))
    assert "Nothing: both are the same" in shown(client, place(workflow, "compare/?old=2&new=2"))
    assert "Note it down" not in shown(client, place(workflow, "versions/1/"))
    assert client.get(place(workflow, "versions/9/")).status_code == 404
    assert client.get(place(workflow, "compare/?old=x")).status_code == 404


def test_a_workflow_is_duplicated_archived_and_deleted(client: Client, workflow: Workflow) -> None:
    copied = client.post(place(workflow, "duplicate/")).headers["Location"]
    client.post(place(workflow, "status/"))
    workflow.refresh_from_db()
    assert workflow.status == "archived"
    client.post(place(workflow, "status/"))
    workflow.refresh_from_db()
    assert workflow.status == "active"
    assert "Note" in shown(client, copied)

    assert shown(client, place(workflow, "delete/"))
    client.post(place(workflow, "delete/"))
    assert not Workflow.objects.filter(pk=workflow.pk).exists()


def test_it_runs_by_hand_once_for_two_clicks_and_says_what_is_missing(client: Client, workflow: Workflow) -> None:
    missing = client.post(place(workflow, "run/"), {"key": "a"}).content.decode()
    assert "This field is required" in missing

    for _ in range(2):
        response = client.post(place(workflow, "run/"), {"key": "a", "input-amount": "5"})
    execution = Execution.objects.get(workflow="demo/example")

    assert response.headers["Location"] == f"/executions/{execution.pk}/"
    assert (execution.workflow, execution.input, execution.trigger) == ("demo/example", {"amount": 5}, "manual")
    page = shown(client, f"/executions/{execution.pk}/")
    assert "Picture of the steps" in page
    assert "workflows/workflows.css" in page


def test_a_test_runs_the_draft_though_the_workflow_is_archived(client: Client, workflow: Workflow, owner: User) -> None:
    services.change_draft(workflow, edited(workflow))
    services.set_status(workflow, "archived")

    client.post(place(workflow, "test/"), {"key": "a", "input-amount": "5"})

    run = Execution.objects.get(workflow="demo/example").run
    assert (run.is_test, run.version.number) == (True, None)
    assert "A test of" in shown(client, f"/executions/{run.pk}/")
    assert "archived: publish it first" in client.post(place(workflow, "run/"), {"input-amount": "5"}).content.decode()


def test_an_execution_shows_where_each_step_stands_what_was_decided_and_what_it_gave(
    client: Client, workflow: Workflow, owner: User, ada: User
) -> None:
    assert workflow.current is not None
    execution = services.start(workflow.current, values={"amount": 1}, user=owner)
    facts: dict[str, Any] = {"execution": execution, "kind": "values"}
    StepRun.objects.create(key="start", name="Start", status="success", decision="note", reason="input.amount > 0", **facts)
    note = StepRun.objects.create(
        key="note", name="Note", status="waiting", output={"said": "<b>"}, items_total=9, items_done=3, **facts
    )

    page = shown(client, f"/executions/{execution.pk}/")
    gave = shown(client, f"/workflows/runs/{execution.pk}/steps/{note.pk}/")

    assert 'class="node waiting"' in page
    assert 'class="line taken"' in page
    assert "input.amount &gt; 0" in page
    assert "3 of 9" in page
    assert "&lt;b&gt;" in gave
    assert browser(ada).get(f"/workflows/runs/{execution.pk}/steps/{note.pk}/").status_code == 404
    assert client.get(f"/workflows/runs/{uuid4()}/steps/{note.pk}/").status_code == 404


def test_not_every_account_makes_projects(ada: User) -> None:
    """Whoever has one has mails sent and other systems asked, and anybody may sign up."""
    client = browser(ada)

    assert client.get("/workflows/projects/new/").status_code == 403
    assert client.post("/workflows/projects/new/", {"name": "Mine"}).status_code == 403
    for path in ("/workflows/", "/workflows/projects/"):
        assert "Ask those who run this site" in shown(client, path)
        assert "Make the first one" not in shown(client, path)
    assert not Project.objects.exists()
