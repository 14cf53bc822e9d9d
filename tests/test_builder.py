"""The question workflow_builder: answered with no, nothing of it is left; answered with yes later, rows that are there stay."""

import os
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import Rendered
from tests.engines import ENGINES, Desk, files

OURS = ("approvals", "triggers", "workflows")
# Words that only the builder brings: its apps, what they ask and wait for, and the packages and services that they use.
WORDS = re.compile(
    rb"apps[./](approvals|triggers|workflows)\b|builder|approv|signer|clicksign|zapsign|hubspot|docxtpl|pptx|\bjsonschema\b"
    rb"|common.expression|\bcel\b|inbound_mail",
    re.IGNORECASE,
)
# What says so for another reason: the answer itself, a builder of certificates, a name that Temporal gives.
ELSEWHERE = re.compile(rb"workflow_builder: False|CertificateBuilder")
# Tests that look at the whole project, and find what refers to something that is gone.
CHECKED = ("tests/test_access.py", "tests/test_docs.py", "tests/test_house.py", "tests/test_pages.py")
PEOPLE = "email,name\nada@example.com,Ada\n"
DEFINE = """
from apps.users.models import User
from apps.workflows import services
from apps.workflows.definitions import DefinitionDoc
ada = User.objects.get()
steps = [{"key": "ask", "kind": "approval", "name": "Ask", "config": {"people": ["ada@example.com"]}}]
project = services.create_project(name="First", owner=ada)
document = DefinitionDoc.model_validate({"name": "Leave", "steps": steps})
version = services.publish(services.create_workflow(project, user=ada, document=document), user=ada)
services.start(version, values={}, user=ada, trigger="form")
"""


@pytest.mark.parametrize("engine", ENGINES)
def test_without_it_nothing_of_it_is_left(engine: str, rendered: Rendered) -> None:
    without, whole = (files(rendered(engine, name)) for name in ("no-builder", "default"))

    assert [
        (path, found.group())
        for path, content in without.items()
        if not path.startswith("static/")
        for found in [WORDS.search(ELSEWHERE.sub(b"", content))]
        if found
    ] == []
    assert [path for path in without if WORDS.search(path.encode())] == []
    assert {path.split("/")[1] for path in whole.keys() - without.keys() if path.startswith("apps/")} == {*OURS, "executions"}
    assert without.keys() <= whole.keys()


def test_without_it_the_project_is_whole(rendered: Rendered, desk: Desk, tmp_path: Path) -> None:
    project = Path(shutil.copytree(rendered("copier", "no-builder"), tmp_path / "project"))

    desk.run("make", "check", "RUN=", cwd=project)
    servers = [f"TEMPORAL_CLI={os.environ['TEMPORAL_CLI']}"] if "TEMPORAL_CLI" in os.environ else []
    desk.run("env", *servers, "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *CHECKED, cwd=project)


def test_it_is_switched_on_and_off_in_a_project_with_rows(template: Path, desk: Desk, tmp_path: Path) -> None:
    project = desk.render("cookiecutter", template, tmp_path / "new", {"workflow_builder": "no"})
    (project / "people.csv").write_text(PEOPLE)
    manage(desk, project, "migrate", "--verbosity=0")
    manage(desk, project, "importusers", "people.csv")
    manage(desk, project, "startonboarding", "ada@example.com")
    desk.commit(project)

    desk.run("copier", "update", "--defaults", "--vcs-ref=:current:", "--data=workflow_builder=yes", cwd=project)
    manage(desk, project, "makemigrations", "--check", "--dry-run")
    manage(desk, project, "migrate", "--verbosity=0")
    manage(desk, project, "shell", "--verbosity=0", "--command", DEFINE)
    desk.commit(project)
    defined = rows(project)
    desk.run("copier", "update", "--defaults", "--vcs-ref=:current:", "--data=workflow_builder=no", cwd=project)
    manage(desk, project, "makemigrations", "--check", "--dry-run")
    manage(desk, project, "migrate", "--verbosity=0")

    assert defined == [("user_onboarding", "code"), ("first/leave", "form")]
    assert rows(project) == defined
    assert not any((project / "apps" / app / "models.py").exists() for app in OURS)


def manage(desk: Desk, project: Path, *arguments: str) -> None:
    """Run a management command of the project."""
    desk.run("python", "manage.py", *arguments, cwd=project)


def rows(project: Path) -> list[tuple[str, str]]:
    """What runs in the project, and by what it was started."""
    with closing(sqlite3.connect(project / "db.sqlite3")) as database:
        return database.execute('SELECT workflow, "trigger" FROM executions_execution ORDER BY created_at').fetchall()
