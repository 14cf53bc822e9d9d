"""Definitions as files: what is written is read again as it was, and a file can do no harm."""

import json
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from apps.users.models import User
from apps.workflows import exchange
from apps.workflows.definitions import DefinitionDoc
from apps.workflows.exchange import Format
from apps.workflows.importing import import_definition
from apps.workflows.models import Project, Workflow
from apps.workflows.tests.asked import DEFINITION, START

# What YAML makes something else of, unless it is told not to.
TRICKY = [
    "2026-01-31",
    "no",
    "on",
    "1_000",
    "0x10",
    "0o17",
    "1:30",
    "~",
    "null",
    "=",
    "<" * 2,
    "true",
    "1e3",
    ".inf",
    "",
    " a\n b\n",
]


def document(**config: Any) -> DefinitionDoc:
    step = {"key": "end", "kind": "values", "name": "End", "config": {"values": config}, "attempts": 3}
    return DefinitionDoc.model_validate({"name": "Ünicode 字", "description": "two\nlines\n", "steps": [START, step]})


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_what_is_written_is_read_again_as_it_was(form: Format) -> None:
    whole = document(texts=TRICKY, numbers=[0, -1, 1.5, 10**20], others=[None, True, False], nested={"no": {"1": []}})

    assert exchange.read(exchange.write(whole, form)) == whole


def test_a_file_leaves_out_what_has_its_default_and_shows_texts_as_they_are() -> None:
    text = exchange.write(document(letter="Dear Ada,\n\nwelcome.\n"), "yaml")

    assert "timeout_seconds" not in text
    assert "letter: |" in text
    assert "      Dear Ada," in text


def test_yaml_means_no_more_than_json() -> None:
    read = exchange.read(
        "name: x\nsteps: [{key: a, kind: values, name: a, config: {values: {day: 2026-01-31, norway: no, on: 1, 2: 3}}}]"
    )

    assert read.steps[0].config == {"values": {"day": "2026-01-31", "norway": "no", "on": 1, "2": 3}}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: &a [x]\nname: *a", "has an alias"),
        ("name: !!python/object/apply:os.system [id]", "could not determine a constructor"),
        ("name: .nan", "cannot be stored"),
        ('{"name": NaN}', "cannot be stored"),
        ('name: "a\\0b"', "a NUL character"),
        ('name: "\\ud800"', "cannot be stored|neither YAML nor JSON"),
        ("name: x\n? [1, 2]\n: y", "neither YAML nor JSON|cannot be stored"),
        ("[" * 100_000, "neither YAML nor JSON"),
        ("name: x\n" + " " * exchange.MAX_SIZE, "at most 300,000 characters"),
        ("", "valid dictionary"),
    ],
    ids=[
        "alias",
        "object",
        "not a number",
        "not a number in JSON",
        "NUL",
        "half a character",
        "list as key",
        "deep",
        "long",
        "empty",
    ],
)
def test_a_file_that_could_do_harm_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        exchange.read(text)


def test_json_is_read_as_it_is() -> None:
    assert exchange.read(json.dumps(DEFINITION)) == DefinitionDoc.model_validate(DEFINITION)


@pytest.mark.django_db
def test_a_name_that_no_slug_can_have_is_known_again(project: Project, owner: User) -> None:
    document = DefinitionDoc(name="Договор")

    first, again = (import_definition(project, document, user=owner) for _ in range(2))

    assert first == again
    assert project.workflows.count() == 1


@pytest.mark.django_db
def test_a_definition_keeps_the_order_in_which_it_was_written(project: Project, owner: User) -> None:
    names = ("zebra", "a", "middle")
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}}
    step = {"key": "one", "kind": "values", "name": "One", "config": {"values": dict.fromkeys(names, 1)}}
    document = DefinitionDoc.model_validate({"name": "Ordered", "input_schema": schema, "steps": [step]})

    workflow = Workflow.objects.get(pk=import_definition(project, document, user=owner).pk)

    assert exchange.write(exchange.edited_document(workflow), "json") == exchange.write(document, "json")


@pytest.mark.django_db
def test_what_was_stored_in_no_order_is_read(project: Project, owner: User) -> None:
    workflow = import_definition(project, DefinitionDoc(name="Older"), user=owner)
    with connection.cursor() as cursor:
        cursor.execute("""UPDATE workflows_workflowversion SET input_schema = '{"type": "object"}'""")

    assert workflow.versions.get().input_schema == {"type": "object"}
