"""`manage.py workflows`: definitions that are kept as files, and a run by hand."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.executions.models import Execution
from apps.users.models import User
from apps.workflows.models import Project, Workflow
from apps.workflows.tests.asked import DEFINITION, START, STEP

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return written(tmp_path, DEFINITION)


def written(folder: Path, definition: dict[str, Any]) -> Path:
    path = folder / "definition.json"
    path.write_text(json.dumps(definition))
    return path


def run(*arguments: object) -> str:
    out = StringIO()
    call_command("workflows", *map(str, arguments), stdout=out)
    return out.getvalue().strip()


def test_a_file_is_imported_published_and_imported_again(project: Project, owner: User, file: Path) -> None:
    assert run("import", file, "--project", "demo") == "demo/example is a draft"
    assert run("import", file, "--project", "demo", "--publish") == "demo/example is version 1"
    assert run("import", file, "--project", "demo", "--publish") == "demo/example is version 2"

    workflow = Workflow.objects.get()
    assert (workflow.project, workflow.created_by, workflow.versions.count()) == (project, owner, 2)


def test_a_project_is_made_for_the_account_that_is_named(owner: User, file: Path) -> None:
    with pytest.raises(CommandError, match="with --user EMAIL it is made"):
        run("import", file, "--project", "new")

    run("import", file, "--project", "new", "--user", "Owner@example.com")

    assert Project.objects.get(slug="new").owner == owner


def test_nothing_is_imported_if_something_is_wrong(project: Project, tmp_path: Path, file: Path) -> None:
    good, bad = file.rename(tmp_path / "good.json"), written(tmp_path, {**DEFINITION, "steps": [START, STEP | {"kind": "magic"}]})

    with pytest.raises(CommandError, match=r"steps.end.kind: There is no kind of step 'magic'"):
        run("import", good, bad, "--project", "demo")
    with pytest.raises(CommandError, match="end: next: It leads back to itself"):
        run("import", written(tmp_path, looping()), "--project", "demo", "--publish")

    assert not Workflow.objects.exists()


def looping() -> dict[str, Any]:
    return {**DEFINITION, "steps": [START, STEP | {"next": [{"to": "start"}]}]}


def test_a_file_is_checked_without_a_project(tmp_path: Path, file: Path) -> None:
    assert run("validate", file) == f"Nothing is wrong with {file}."

    with pytest.raises(CommandError) as refused:
        run("validate", file, written(tmp_path, looping()))

    assert str(refused.value).splitlines() == [
        str(file),
        "  start: next: It leads back to itself: a workflow has no loops.",
        "  end: next: It leads back to itself: a workflow has no loops.",
    ]
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        run("validate", tmp_path / "nothing.yaml")


def test_a_workflow_is_exported_as_it_is_edited_and_as_it_was_published(make_workflow: Callable[..., Workflow]) -> None:
    make_workflow(START, STEP)

    assert run("export", "demo/example").startswith("name: Example\nsteps:\n- key: start")
    assert json.loads(run("export", "demo/example", "--format", "json", "--number", 1)) == DEFINITION
    with pytest.raises(CommandError, match="has no version 2"):
        run("export", "demo/example", "--number", 2)
    with pytest.raises(CommandError, match="There is no workflow 'demo/other'"):
        run("export", "demo/other")


def test_a_workflow_is_run_once_for_a_key(make_workflow: Callable[..., Workflow], owner: User) -> None:
    make_workflow(START, STEP)
    asked = ("run", "demo/example", "--input", '{"a": 1}', "--user", owner.email, "--key", "k")

    said = {run(*asked) for _ in range(2)}

    execution = Execution.objects.get(workflow="demo/example")
    assert said == {f"Accepted: execution {execution.pk}; a running worker or the next one starts it."}
    assert (execution.trigger, execution.user, execution.input) == ("command", owner, {"a": 1})


def test_a_run_that_cannot_be_says_why(make_workflow: Callable[..., Workflow]) -> None:
    make_workflow(START, STEP, name="Draft", is_published=False)
    make_workflow(START, STEP, input_schema={"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]})

    for arguments, reason in (
        (("demo/draft",), "Draft is draft: publish it first."),
        (("demo/example",), "input.a: This is needed."),
        (("demo/example", "--input", "{"), "--input is not JSON"),
        (("demo/example", "--user", "nobody@example.com"), "There is no account"),
    ):
        with pytest.raises(CommandError, match=reason):
            run("run", *arguments)
