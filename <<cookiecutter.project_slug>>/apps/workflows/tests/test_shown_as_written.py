"""What people write into definitions is shown as they wrote it to everybody who opens a page: it is never HTML."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.users.models import User
from apps.workflows.models import Workflow
from apps.workflows.tests.pages import place, shown

pytestmark = pytest.mark.django_db

EVIL = "<b>"
SCHEMA = {
    "type": "object",
    "title": EVIL,
    "properties": {
        f"{EVIL}name": {"type": "string", "title": EVIL, "description": EVIL, "default": EVIL},
        "choice": {"type": "string", "description": EVIL, "enum": [EVIL]},
        "list": {"type": "array", "description": EVIL, "default": [EVIL]},
        "whole": {"type": "object", "description": EVIL, "properties": {EVIL: {"type": "string"}}},
    },
}
STEPS: tuple[dict[str, Any], ...] = (
    {"key": "start", "kind": "trigger", "name": EVIL, "next": [{"to": "note"}]},
    {"key": "note", "kind": "values", "name": EVIL, "config": {"values": {EVIL: EVIL}}},
)
PAGES = (
    "", "edit/", "edit/input/", "edit/steps/new/", "edit/steps/new/?kind=values&after=note", "edit/steps/note/", "run/", "test/",
    "rename/", "delete/", "compare/", "versions/1/",
)  # fmt: skip


@pytest.fixture
def client(owner: User, client: Client) -> Client:
    client.force_login(owner)
    return client


@pytest.fixture
def written(make_workflow: Callable[..., Workflow]) -> Workflow:
    return make_workflow(*STEPS, name=EVIL, description=EVIL, input_schema=SCHEMA)


@pytest.mark.parametrize("page", PAGES)
def test_no_page_of_a_workflow_takes_texts_for_html(client: Client, written: Workflow, page: str) -> None:
    text = shown(client, place(written, page))

    assert EVIL not in text
    assert "&lt;b&gt;" in text


@pytest.mark.parametrize("page", ["run/", "test/"])
def test_whoever_runs_it_reads_the_help_as_it_was_written(client: Client, written: Workflow, page: str) -> None:
    text = shown(client, place(written, page))

    assert text.count('_helptext">&lt;b&gt;') == 4
    assert "JSON, such as {&quot;&lt;b&gt;&quot;: &quot;…&quot;}." in text
    assert "&amp;lt;" not in text


def test_neither_does_the_page_of_a_new_execution(client: Client, written: Workflow, owner: User) -> None:
    owner.is_superuser = True
    owner.save()

    text = shown(client, f"/executions/new/?workflow={written.full_name}")

    assert EVIL not in text
    assert text.count('_helptext">&lt;b&gt;') == 4


def test_what_is_wrong_quotes_what_was_written(client: Client, written: Workflow) -> None:
    answer = client.post(place(written, "run/"), {"input-whole": f'{{"{EVIL}": 1}}', "input-choice": EVIL, "key": EVIL})

    assert answer.status_code == 200
    assert "&lt;b&gt;: 1 is not of type" in answer.content.decode()
    assert EVIL not in answer.content.decode()


def test_a_field_may_have_any_name(client: Client, make_workflow: Callable[..., Workflow]) -> None:
    fields = {"items": {"type": "array"}, "keys": {"type": "string", "description": "of the house"}}
    workflow = make_workflow(*STEPS, input_schema={"type": "object", "properties": fields})

    text = shown(client, place(workflow, "edit/"))

    assert "<code>items</code>" in text
    assert "of the house" in text
