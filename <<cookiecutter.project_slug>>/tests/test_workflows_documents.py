"""Documents and their templates in a real browser: on narrow and wide screens, by keyboard, and without a fault of access."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from apps.users.models import User
from apps.workflows import documents, office, services
from apps.workflows.definitions import DefinitionDoc
from apps.workflows.documents import File
from apps.workflows.models import Project
from apps.workflows.tests.office_files import word
from tests.browsing import Open

pytestmark = pytest.mark.django_db(transaction=True)
SIZES = ({"width": 390, "height": 844}, {"width": 1280, "height": 900})
LONG = "an offer with a rather long name that has to be broken somewhere"
PATHS = ("/documents/", "/documents/?execution=nothing", "/documents/templates/")


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.create_user(email="owner@example.com")


@pytest.fixture
def project(owner: User) -> Project:
    return services.create_project(name="Demo", owner=owner)


@pytest.mark.parametrize(("size", "colours"), [(SIZES[0], "light"), (SIZES[1], "dark")], ids=["narrow-light", "wide-dark"])
def test_the_pages_fit_and_can_be_read_by_everyone(
    open_page: Open, owner: User, project: Project, size: Any, colours: str
) -> None:
    page = open_page("/documents/", owner, viewport=size, color_scheme=colours)
    for is_full in (False, True):
        if is_full:
            fill(project, owner)
        for path in PATHS:
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], path
            assert [f"{each['id']}: {each['nodes'][0]['html']}" for each in Axe().run(page).response["violations"]] == [], path


def fill(project: Project, owner: User) -> None:
    """Documents for more than a page, and a template that nothing uses."""
    documents.store_template(project, user=owner, filename=f"{LONG}.docx", content=word(("{{ input.name }}, {{ offer.sum }}",)))
    document = DefinitionDoc.model_validate({"name": LONG, "steps": [{"key": "start", "kind": "trigger", "name": "Start"}]})
    workflow = services.create_workflow(project, user=owner, document=document)
    execution = services.start(services.publish(workflow, user=owner), values={}, user=owner)
    here = File(filename=f"{LONG}.docx", media_type=office.MEDIA_TYPES[office.WORD], content=word())
    elsewhere = File(filename=LONG, media_type="application/vnd.google-apps.document", url="https://docs.google.com/1")
    for index in range(52):
        documents.make_once(execution, step="offer", index=index, make=lambda: here)
    documents.make_once(execution, step="copy", index=0, make=lambda: elsewhere)


def test_a_template_is_uploaded_and_deleted_and_a_document_downloaded(
    open_page: Open, owner: User, project: Project, tmp_path: Path
) -> None:
    (tmp_path / "Offer.docx").write_bytes(word(("{{ input.name }}",)))
    page = open_page("/documents/", owner)
    page.get_by_role("link", name="Templates").first.click()
    page.get_by_label("Word or PowerPoint file").set_input_files(tmp_path / "Offer.docx")
    page.get_by_role("button", name="Upload").press("Enter")
    expect(page.get_by_role("row", name="offer")).to_contain_text("input")

    page.get_by_role("button", name="Delete offer").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("offer is deleted")

    fill(project, owner)
    page.goto("/documents/")
    with page.expect_download() as download:
        page.get_by_role("link", name=f"{LONG}.docx", exact=True).first.click()
    assert download.value.suggested_filename == f"{LONG}.docx"
