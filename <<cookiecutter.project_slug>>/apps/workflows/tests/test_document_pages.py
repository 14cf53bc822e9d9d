"""The pages and the API of documents and their templates: who sees, adds and deletes what."""

from base64 import b64encode
from os import urandom
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from apps.executions.models import Execution
from apps.users.models import User
from apps.workflows import documents, office, services
from apps.workflows.definitions import DefinitionDoc
from apps.workflows.document_models import DocumentTemplate, GeneratedDocument
from apps.workflows.documents import File
from apps.workflows.models import Project
from apps.workflows.tests.office_files import with_file, word

pytestmark = pytest.mark.django_db

STEPS = [{"key": "start", "kind": "trigger", "name": "Start"}]


@pytest.fixture
def letter(project: Project, owner: User) -> DocumentTemplate:
    return documents.store_template(project, user=owner, filename="Letter.docx", content=word(("{{ input.name }}",)))


@pytest.fixture
def document(project: Project, owner: User) -> GeneratedDocument:
    definition = DefinitionDoc.model_validate({"name": "Example", "steps": STEPS})
    workflow = services.create_workflow(project, user=owner, document=definition)
    execution = services.start(services.publish(workflow, user=owner), values={}, user=owner)
    return make(execution, "Für Ada.docx")


def make(execution: Execution, filename: str, **more: Any) -> GeneratedDocument:
    file = File(**({"filename": filename, "media_type": office.MEDIA_TYPES["word"], "content": word()} | more))
    return documents.make_once(execution, step=filename[:4], index=0, make=lambda: file)[0]


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def upload(client: Client, project: Project, *, name: str = "", content: bytes = b"", filename: str = "Offer.docx") -> str:
    file = SimpleUploadedFile(filename, content or word(("{{ input.name }}, {{ offer.sum }}",)))
    answer = client.post(reverse("documents:templates"), {"project": project.pk, "file": file, "name": name}, follow=True)
    return answer.content.decode()


def test_a_template_is_uploaded_listed_and_downloaded(project: Project, owner: User) -> None:
    client = signed_in(owner)
    assert "There is no template yet" in client.get(reverse("documents:templates")).content.decode()

    page = upload(client, project)

    template = DocumentTemplate.objects.get()
    assert "Steps can choose offer now" in page
    assert "input, offer" in page
    answer = client.get(reverse("documents:template", args=[template.pk]))
    assert answer.content == bytes(template.content)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="Offer.docx"'


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"content": b"x"}, "neither a Word nor a PowerPoint file"),
        ({"content": bytes(office.MAX_SIZE + 1)}, "at most 5 MiB"),
        ({"filename": "offer.exe"}, "name ends with .docx or .pptx"),
        ({"name": "letter"}, "There is a template letter"),
    ],
)
def test_what_can_be_no_template_is_refused_on_the_page(
    project: Project, owner: User, letter: DocumentTemplate, given: dict[str, Any], message: str
) -> None:
    assert message in upload(signed_in(owner), project, **given)
    assert DocumentTemplate.objects.count() == 1


def test_a_template_is_deleted_by_those_who_may_change_its_project(
    project: Project, owner: User, letter: DocumentTemplate
) -> None:
    viewer = User.objects.create_user(email="viewer@example.com")
    services.set_member(project, user=viewer, role="viewer")
    address = reverse("documents:delete-template", args=[letter.pk])
    assert "Delete letter" not in signed_in(viewer).get(reverse("documents:templates")).content.decode()
    assert signed_in(viewer).post(address).status_code == 403

    assert "letter is deleted" in signed_in(owner).post(address, follow=True).content.decode()
    assert not DocumentTemplate.objects.exists()


def test_documents_are_listed_for_those_who_see_their_executions(owner: User, document: GeneratedDocument) -> None:
    elsewhere = make(document.execution, "Elsewhere", content=b"", url="https://docs.example.com/1")
    client = signed_in(owner)

    page = client.get(reverse("documents:list"), {"execution": str(document.execution_id)}).content.decode()

    assert "Für Ada.docx" in page
    assert 'href="https://docs.example.com/1"' in page
    answer = client.get(reverse("documents:content", args=[document.pk]))
    assert answer.content == bytes(document.content)
    assert "filename*=utf-8''F%C3%BCr%20Ada.docx" in answer.headers["Content-Disposition"]
    assert client.get(reverse("documents:content", args=[elsewhere.pk])).status_code == 404


def test_a_stranger_finds_neither_documents_nor_templates(document: GeneratedDocument, letter: DocumentTemplate) -> None:
    client = signed_in(User.objects.create_user(email="stranger@example.com"))

    assert "There is no document yet" in client.get(reverse("documents:list")).content.decode()
    for query in ({"execution": str(document.execution_id)}, {"execution": "nonsense"}):
        assert "Nothing matches" in client.get(reverse("documents:list"), query).content.decode()
    page = client.get(reverse("documents:templates"), {"project": "nonsense"}).content.decode()
    assert "There is no template yet" in page
    for name, key in (("content", document.pk), ("template", letter.pk)):
        assert client.get(reverse(f"documents:{name}", args=[key])).status_code == 404
    assert client.post(reverse("documents:delete-template", args=[letter.pk])).status_code == 404


def test_who_may_make_no_project_is_told_whom_to_ask_for_one(owner: User) -> None:
    stranger = User.objects.create_user(email="stranger@example.com")

    pages = [signed_in(user).get(reverse("documents:templates")).content.decode() for user in (stranger, owner)]

    assert ["Make a project" in page for page in pages] == [False, True]
    assert ["Ask those who run this site" in page for page in pages] == [True, False]
    assert [signed_in(user).get(reverse("workflows:new-project")).status_code for user in (stranger, owner)] == [403, 200]


def test_the_api_takes_a_template_as_long_as_a_page_does(project: Project, owner: User) -> None:
    # What does not compress: pictures.
    content = with_file(word(("{{ a }}",)), "word/media/picture.png", urandom(4 * 2**20))
    wanted = {"project_id": str(project.pk), "filename": "a.docx", "content": b64encode(content).decode()}

    stored = signed_in(owner).post("/api/v1/document-templates", wanted, "application/json")

    assert (stored.status_code, DocumentTemplate.objects.get().size) == (201, len(content))
    too_long = wanted | {"content": b64encode(bytes(office.MAX_SIZE + 1)).decode()}
    assert signed_in(owner).post("/api/v1/document-templates", too_long, "application/json").status_code == 422


def test_a_template_is_stored_and_deleted_by_the_api(project: Project, owner: User) -> None:
    client, content = signed_in(owner), word(("{{ a }}",))
    wanted = {"project_id": str(project.pk), "filename": "a.docx", "content": b64encode(content).decode()}

    stored = client.post("/api/v1/document-templates", wanted, "application/json")

    assert stored.status_code == 201, stored.content
    address = f"/api/v1/document-templates/{stored.json()['id']}"
    assert client.get(address).json() | {"name": "a", "kind": "word", "names": ["a"]} == client.get(address).json()
    assert client.get(f"{address}/content").content == content
    assert client.post("/api/v1/document-templates", wanted, "application/json").status_code == 422
    assert client.delete(address).status_code == 204
    assert client.get(address).status_code == 404


def test_the_api_lists_the_documents_of_an_execution(owner: User, document: GeneratedDocument) -> None:
    client = signed_in(owner)

    (listed,) = client.get("/api/v1/documents", {"execution_id": str(document.execution_id)}).json()["items"]

    assert (listed["filename"], listed["step"], listed["size"]) == ("Für Ada.docx", "Für ", document.size)
    assert client.get(f"/api/v1/documents/{listed['id']}/content").content == bytes(document.content)
    assert client.get("/api/v1/documents", {"execution_id": str(owner.pk * 0)}).status_code == 422


def test_editors_of_a_project_know_what_signs_its_requests_and_viewers_do_not(project: Project, owner: User) -> None:
    viewer = User.objects.create_user(email="viewer@example.com")
    services.set_member(project, user=viewer, role="viewer")
    address = f"/api/v1/projects/{project.pk}/signing-key"

    assert signed_in(owner).get(address).json()["signing_key"].startswith("whsec_")
    assert signed_in(viewer).get(address).status_code == 403
