"""For whom a trigger starts executions: who says what it does, and nobody who does not know of it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from apps.development.testing import Temporal
from apps.triggers import firing, services
from apps.triggers.kinds import Delivery
from apps.triggers.models import Trigger
from apps.triggers.tests.started import started
from apps.users.models import User
from apps.workflows import services as workflows
from apps.workflows.models import Project, Workflow
from apps.workflows.tests.running import finish

pytestmark = pytest.mark.django_db
type MakeTrigger = Callable[..., Trigger]
type Asked = tuple[str, str, Any]
TOLD = {"name": "Mine", "overlap": "allow", "input": "amount: 7"}


@pytest.fixture
def editor(project: Project) -> User:
    editor = User.objects.create_user(email="editor@example.com")
    workflows.set_member(project, user=editor, role="editor")
    return editor


@pytest.fixture
def send(editor: User) -> Callable[..., int]:
    """Ask a page or the API about a trigger as the editor: a method, an address, what is sent."""
    client = Client()
    client.force_login(editor)

    def ask(trigger: Trigger, method: str, path: str, body: Any = None) -> int:
        path = path.format(trigger.pk)
        if path.startswith("/api/"):
            return client.generic(method, path, json.dumps(body), content_type="application/json").status_code
        return client.post(path, body).status_code

    return ask


@pytest.mark.parametrize(
    "asked",
    [
        ("POST", "/triggers/{}/edit/", TOLD),
        ("POST", "/triggers/{}/renew/", {}),
        ("POST", "/triggers/{}/resume/", {}),
        ("PATCH", "/api/v1/triggers/{}", {"config": {"input": {"amount": 7}}}),
        ("PATCH", "/api/v1/triggers/{}", {"enabled": True}),
        ("POST", "/api/v1/triggers/{}/keys", None),
    ],
)
def test_who_changes_what_it_does_is_responsible(
    make_trigger: MakeTrigger, send: Callable[..., int], editor: User, asked: Asked
) -> None:
    trigger = make_trigger(input={"amount": 1})
    Trigger.objects.update(enabled=False)

    assert send(trigger, *asked) in {200, 302}

    trigger.refresh_from_db()
    assert trigger.created_by == editor


@pytest.mark.parametrize(
    "asked",
    [
        ("POST", "/triggers/{}/edit/", TOLD | {"input": "amount: 1"}),
        ("POST", "/triggers/{}/pause/", {}),
        ("POST", "/triggers/{}/drop/", {}),
        ("POST", "/triggers/{}/fire/", {"brought": "{}", "key": "k"}),
        ("PATCH", "/api/v1/triggers/{}", {"name": "Other", "config": {"input": {"amount": 1}}}),
        ("PATCH", "/api/v1/triggers/{}", {"enabled": True}),
    ],
)
def test_who_leaves_it_as_it_is_is_not(make_trigger: MakeTrigger, send: Callable[..., int], owner: User, asked: Asked) -> None:
    trigger = make_trigger(input={"amount": 1})

    assert send(trigger, *asked) in {200, 302}

    trigger.refresh_from_db()
    assert trigger.created_by == owner


def test_an_editor_does_nothing_by_the_trigger_of_somebody_who_may_more(
    make_workflow: Callable[..., Workflow], owner: User, editor: User, send: Callable[..., int], temporal: Temporal
) -> None:
    """The owner lets a trigger import people; an editor, who may not, makes it import somebody else."""
    owner.user_permissions.add(Permission.objects.get(codename="add_user"))
    config = {"function": "import_user", "arguments": {"email": "{{ input.email }}"}}
    start: dict[str, Any] = {"key": "start", "kind": "trigger", "name": "Start", "next": [{"to": "create"}]}
    create = {"key": "create", "kind": "code", "name": "Create", "config": config}
    fields = {"type": "object", "properties": {"email": {"type": "string"}}, "required": ["email"]}
    workflow = make_workflow(start, create, name="Import", input_schema=fields)
    known = {"input": {"email": "ada@example.com"}}
    trigger = services.create_trigger(workflow, user=owner, kind="webhook", name="People", config=known)
    firing.fire(trigger, Delivery(event_id="a"))

    assert send(trigger, "PATCH", "/api/v1/triggers/{}", {"config": {"input": {"email": "eve@example.com"}}}) == 200
    firing.fire(trigger, Delivery(event_id="b"))
    of_the_owner, of_the_editor = started()
    for execution in (of_the_owner, of_the_editor):
        finish(temporal, execution)

    assert (of_the_owner.user, of_the_owner.status) == (owner, "completed")
    assert (of_the_editor.user, of_the_editor.status) == (editor, "failed")
    assert "need the permission users.add_user" in of_the_editor.error_message
    assert [User.objects.filter(email=f"{name}@example.com").exists() for name in ("ada", "eve")] == [True, False]
