"""The editor, without a browser: what it saves, and what it refuses at which field."""

from typing import Any

import pytest
from django.test import Client

from apps.users.models import User
from apps.workflows import services
from apps.workflows.models import Step, Workflow
from apps.workflows.tests.pages import AMOUNTS, browser, edited, place, revision, shown

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(owner: User) -> Client:
    return browser(owner)


def step_data(workflow: Workflow, **more: Any) -> dict[str, Any]:
    """What the page of the step "note" sends when nothing is changed."""
    forms = {"ways-TOTAL_FORMS": "1", "ways-INITIAL_FORMS": "0"}
    own = {"revision": revision(workflow), "name": "Note", "key": "note", "config_values": "said: {{ input.amount }}", "then": ""}
    return own | forms | more


def test_a_step_is_added_behind_another_and_its_configuration_is_checked(client: Client, workflow: Workflow) -> None:
    path = place(workflow, "edit/steps/new/?kind=wait&after=start")
    data = {"revision": revision(workflow), "name": "Think", "config_hours": "", "after": "start", "condition": ""}

    refused = client.post(path, data).content.decode()
    assert "Say either for how many hours" in refused
    client.post(path, data | {"config_hours": "2"})

    start, think, note = edited(workflow).steps
    assert (think.key, think.config, think.next[0].to) == ("think", {"hours": 2.0}, "note")
    assert start.next[0].to == "think"
    assert note.next == []


def test_a_step_is_changed_and_its_new_key_is_used_everywhere(client: Client, workflow: Workflow) -> None:
    client.post(place(workflow, "edit/steps/note/"), step_data(workflow, key="said", config_values="a: 1\nb: [x]\nc: text"))

    start, said = edited(workflow).steps
    assert start.next[0].to == "said"
    assert said.config == {"values": {"a": 1, "b": "[x]", "c": "text"}}
    assert workflow.status == "active"
    assert workflow.current is not None


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("config_values", "no colon", "has no name"),
        ("config_values", "a: 1\na: 2", "two values named a"),
        ("config_values", "a: {{ nobody.x }}", "speaks of nobody"),
        ("config_values", 'a: "\\u0000"', "a NUL character"),
        ("config_values", 'a: "\\ud800"', "half of a character"),
        ("config_values", "a: 1e999", "cannot be stored"),
        ("key", "No", "valid value"),
        ("key", "start", "Another step has this name"),
        ("then", "nowhere", "not one of the available choices"),
        ("attempts", "0", "greater than or equal to 1"),
        ("ways-0-condition", "input.amount >", "is no expression"),
        ("ways-0-condition", "input.amount > 1", "Say where to go"),
        ("ways-0-to", "start", "Say when"),
    ],
)
def test_what_makes_no_sense_in_a_step_is_said_at_its_field(
    client: Client, workflow: Workflow, field: str, value: str, said: str
) -> None:
    before = edited(workflow)

    response = client.post(place(workflow, "edit/steps/note/"), step_data(workflow, **{field: value}))

    assert response.status_code == 200
    assert said in response.content.decode()
    assert edited(workflow) == before


def test_a_page_asks_what_is_wrong_before_it_saves(client: Client, workflow: Workflow) -> None:
    headers = {"HX-Request": "true"}
    before = revision(workflow)

    wrong = client.post(place(workflow, "edit/steps/note/"), step_data(workflow, config_values="x"), headers=headers)
    right = client.post(place(workflow, "edit/steps/note/"), step_data(workflow), headers=headers)

    assert "has no name" in wrong.content.decode()
    assert "#id_config_values" in wrong.content.decode()
    assert "Nothing is wrong" in right.content.decode()
    assert revision(workflow) == before


def test_what_somebody_else_has_saved_is_not_overwritten(client: Client, workflow: Workflow) -> None:
    stale = step_data(workflow, name="Mine")
    client.post(place(workflow, "edit/steps/note/"), step_data(workflow, name="Theirs"))

    response = client.post(place(workflow, "edit/steps/note/"), stale)

    assert "Somebody else has changed" in response.content.decode()
    assert edited(workflow).steps[1].name == "Theirs"


@pytest.mark.parametrize("number", ["9" * 4_301, "²", "-1", "x", ""])
def test_what_is_no_revision_changes_nothing(client: Client, workflow: Workflow, number: str) -> None:
    before = edited(workflow)
    versions = place(workflow, "compare/"), {"old": number or "x"}

    response = client.post(place(workflow, "edit/steps/note/"), step_data(workflow, name="Mine", revision=number))
    more = client.post(place(workflow, "edit/input/"), {"fields-TOTAL_FORMS": number, "more": "fields"})

    assert "Somebody else has changed" in response.content.decode()
    assert edited(workflow) == before
    assert more.content.decode().count("New field") == 3
    assert client.get(*versions).status_code == 404


@pytest.mark.parametrize("value", ["[" * 200_000, "[" * 101 + "]" * 101])
def test_values_are_nested_so_deep_and_no_deeper(client: Client, workflow: Workflow, value: str) -> None:
    before = edited(workflow)

    response = client.post(place(workflow, "edit/steps/note/"), step_data(workflow, config_values=f"a: {value}"))

    assert response.status_code == 200
    assert "nested more than 100 deep" in response.content.decode()
    assert edited(workflow) == before


def test_a_text_that_looks_like_deep_json_is_shown(client: Client, workflow: Workflow) -> None:
    document = edited(workflow)
    document.steps[1].config = {"values": {"a": "[" * 200_000}}
    services.change_draft(workflow, document)

    assert client.get(place(workflow, "edit/steps/note/")).status_code == 200


def test_what_is_done_with_each_item_has_fields_of_its_own(client: Client, workflow: Workflow) -> None:
    path = place(workflow, "edit/steps/new/?kind=for-each&after=note")
    data = {
        "revision": revision(workflow), "name": "Each", "after": "note", "condition": "", "config_items": "input.list",
        "config_do": "values", "config_allowed_failures": "5 %", "config_at_once": "4",
    }  # fmt: skip

    asked = client.post(path, data | {"more": "config_do"}).content.decode()
    assert 'name="config_do.values"' in asked
    chosen = client.post(path, data | {"more": "config_do", "config_do": "run-workflow"}).content.decode()
    assert 'id="id_config_do.wait" checked' in chosen
    assert "This field is required" not in asked
    refused = client.post(path, data | {"config_do.values": "x: {{ nobody }}"}).content.decode()
    assert "speaks of nobody" in refused
    client.post(path, data | {"config_do.values": "x: {{ item }}"})

    each = edited(workflow).steps[2]
    do = {"kind": "values", "config": {"values": {"x": "{{ item }}"}}}
    assert each.config == {"items": "input.list", "do": do, "allowed_failures": "5 %"}
    assert "x: {{ item }}" in shown(client, place(workflow, "edit/steps/each/"))


def test_the_input_is_edited_as_a_table_and_keeps_what_the_table_does_not_show(client: Client, workflow: Workflow) -> None:
    before = AMOUNTS | {"properties": {"amount": {"type": "integer", "minimum": 1}}}
    services.change_draft(workflow, edited(workflow).model_copy(update={"input_schema": before}))
    rows = {
        "fields-TOTAL_FORMS": "3", "fields-INITIAL_FORMS": "1", "revision": revision(workflow), "is_strict": "on",
        "fields-0-name": "amount", "fields-0-type": "integer", "fields-0-default": "5",
        "fields-1-name": "reason", "fields-1-type": "text", "fields-1-is_needed": "on", "fields-1-options": "late, broken",
        "fields-2-name": "", "fields-2-type": "text",
    }  # fmt: skip

    twice = client.post(place(workflow, "edit/input/"), rows | {"fields-2-name": "reason"}).content.decode()
    assert "Two fields are named reason" in twice
    assert 'name="fields-5-name"' in client.post(place(workflow, "edit/input/"), rows | {"more": "fields"}).content.decode()
    client.post(place(workflow, "edit/input/"), rows)

    assert edited(workflow).input_schema == {
        "type": "object",
        "properties": {
            "amount": {"minimum": 1, "type": "integer", "default": 5},
            "reason": {"type": "string", "enum": ["late", "broken"]},
        },
        "required": ["reason"],
        "additionalProperties": False,
    }


def test_a_step_whose_kind_is_gone_can_still_be_deleted(client: Client, workflow: Workflow) -> None:
    services.change_draft(workflow, edited(workflow))
    Step.objects.filter(key="note", version__number=None).update(kind="gone")

    assert "There is no kind of step" in shown(client, place(workflow, "edit/"))
    assert "delete this step" in shown(client, place(workflow, "edit/steps/note/"))
    client.post(place(workflow, "edit/steps/note/delete/"), {"revision": revision(workflow)})

    assert [step.key for step in edited(workflow).steps] == ["start"]


def test_fields_offer_what_there_is_to_name(client: Client, workflow: Workflow) -> None:
    page = shown(client, place(workflow, "edit/steps/new/?kind=run-workflow"))

    assert 'list="suggested-workflows"' in page
    assert '<option value="demo/example">' in page


def test_a_kind_says_what_its_fields_mean_and_what_may_stand_in_them(client: Client, workflow: Workflow) -> None:
    page = shown(client, place(workflow, "edit/steps/new/?kind=approval&after=start"))

    assert "quorum is any, all or a number" in page
    assert "<code>input.amount</code>" in page
    assert "<code>steps.start.output</code>" in page
    assert "<code>steps.note.output</code>" not in page
