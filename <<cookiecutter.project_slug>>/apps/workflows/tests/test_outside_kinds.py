"""Steps that ask HubSpot and Google, whose answers have the shapes that their documentation shows."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pytest_django import Settings

from apps.executions.models import Execution
from apps.users.models import User
from apps.workflows import services
from apps.workflows.document_models import GeneratedDocument
from apps.workflows.kinds import base
from apps.workflows.kinds.base import StepContext, StepError
from apps.workflows.kinds.outside import NoAnswer
from apps.workflows.models import Workflow
from apps.workflows.tests.service import Answer, Asked, Service, service

pytestmark = pytest.mark.django_db

START = {"key": "start", "kind": "trigger", "name": "Start"}
JSON = "application/json"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
DEAL = {
    "id": "7",
    "properties": {"amount": "1500.00", "dealname": "Pens", "hs_object_id": "7"},
    "createdAt": "2026-01-31T03:30:17.883Z",
    "archived": False,
}


@pytest.fixture
def execution(make_workflow: Callable[..., Workflow], owner: User) -> Execution:
    workflow = make_workflow(START)
    assert workflow.current is not None
    facts: Any = {"source_object_type": "deal", "source_object_id": "7"}
    return services.start(workflow.current, values={"name": "Ada"}, user=owner, trigger_payload={"a": 1}, **facts)


def run(execution: Execution, name: str, **config: Any) -> Any:
    """Do a step of a kind."""
    kind = base.find(name)
    context = {
        "input": execution.input,
        "trigger": {"data": execution.context["trigger"]},
        "source": {"type": execution.source_object_type, "id": execution.source_object_id},
    }
    key = f"{execution.temporal_workflow_id}:do"
    kind.read(config)
    wanted = StepContext(execution_id=str(execution.pk), step="do", key=key, context=context)
    return kind.run(kind.rendered(config, context), wanted)


@pytest.fixture
def hubspot(settings: Settings) -> Iterator[Service]:
    with service(lambda _: (200, JSON, json.dumps(DEAL).encode())) as running:
        settings.HUBSPOT = {"url": running.url, "token": "pat-1"}
        yield running


def test_a_workflow_begins_with_the_object_of_hubspot_that_it_is_about(execution: Execution, hubspot: Service) -> None:
    given = run(execution, "hubspot", properties=["amount", "dealname"])

    assert given == {"id": "7", "type": "deal", "properties": DEAL["properties"]}
    (call,) = hubspot.calls
    assert call.path == "/crm/v3/objects/deals/7?properties=amount%2Cdealname"
    assert call.headers["authorization"] == "Bearer pat-1"


@pytest.mark.parametrize(("status", "error"), [(404, StepError), (401, StepError), (429, NoAnswer), (502, NoAnswer)])
def test_hubspot_is_asked_again_where_that_may_help(
    execution: Execution, hubspot: Service, status: int, error: type[Exception]
) -> None:
    hubspot.answer = lambda _: (status, JSON, b"{}")

    with pytest.raises(error, match=str(status)):
        run(execution, "hubspot")


def test_what_is_no_object_of_hubspot_is_not_asked_for(execution: Execution, hubspot: Service, settings: Settings) -> None:
    for config in ({"object_type": "../../x"}, {"object_id": "{{ '' }}"}):
        with pytest.raises(StepError, match="is no object of HubSpot"):
            run(execution, "hubspot", **config)
    run(execution, "hubspot", object_id="7/../8")
    settings.HUBSPOT = {"url": hubspot.url, "token": ""}
    with pytest.raises(StepError, match="HUBSPOT_TOKEN"):
        run(execution, "hubspot")

    assert [call.path for call in hubspot.calls] == ["/crm/v3/objects/deals/7%2F..%2F8"]


@pytest.mark.parametrize("name", ["webhook", "google-forms"])
def test_a_workflow_begins_with_what_was_sent(execution: Execution, name: str) -> None:
    assert run(execution, name) == {"a": 1}
    assert run(execution, name, values={"b": "{{ trigger.data.a }}"}) == {"b": 1}


class Google:
    """Drive, Docs and Slides, as far as they are used: files that were copied, with their marks."""

    def __init__(self) -> None:
        self.files: list[dict[str, Any]] = []
        self.changes: list[tuple[str, Any]] = []
        self.failures: list[int] = []

    def __call__(self, asked: Asked) -> Answer:
        path, query = urlsplit(asked.path).path, parse_qs(urlsplit(asked.path).query)
        if path == "/token":
            return self._let_in(parse_qs(asked.body.decode())["assertion"][0])
        assert asked.headers["authorization"] == "Bearer ya29.token"
        if path.endswith("/export"):
            return 200, "application/pdf", b"%PDF-1.7"
        if self.failures and asked.method == "POST" and path.endswith(":batchUpdate"):
            return self.failures.pop(), JSON, b"{}"
        return 200, JSON, json.dumps(self._answer(path, query, json.loads(asked.body or b"null"))).encode()

    def _let_in(self, assertion: str) -> Answer:
        signed, _, signature = assertion.rpartition(".")
        KEY.public_key().verify(urlsafe_b64decode(f"{signature}=="), signed.encode(), PKCS1v15(), SHA256())
        claims = json.loads(urlsafe_b64decode(f"{signed.partition('.')[2]}=="))
        assert claims["exp"] - claims["iat"] == 3600
        answer = {"access_token": "ya29.token", "expires_in": 3599, "token_type": "Bearer"}
        return 200, JSON, json.dumps(answer).encode()

    def _answer(self, path: str, query: dict[str, list[str]], content: Any) -> Any:
        if path == "/drive/files":
            found = [file for file in self.files if file["appProperties"]["step"] in query["q"][0]]
            return {"files": [{"id": file["id"], "webViewLink": file["webViewLink"]} for file in found]}
        if path.endswith("/copy"):
            number = len(self.files) + 1
            self.files.append({"id": f"copy-{number}", "webViewLink": f"https://docs.google.com/{number}", **content})
            return {"id": f"copy-{number}", "webViewLink": f"https://docs.google.com/{number}"}
        self.changes.append((path, content["requests"]))
        return {"documentId": path, "replies": []}


@pytest.fixture
def google(settings: Settings, tmp_path: Path) -> Iterator[Google]:
    answers = Google()
    with service(answers) as running:
        pem = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        key = {"client_email": "a@b.iam.gserviceaccount.com", "private_key": pem, "token_uri": f"{running.url}/token"}
        (tmp_path / "key.json").write_text(json.dumps(key))
        urls = {name: f"{running.url}/{name}" for name in ("drive", "docs", "slides")}
        settings.GOOGLE = {"key_file": str(tmp_path / "key.json"), **urls}
        yield answers


def test_a_google_document_is_a_copy_with_its_places_filled(execution: Execution, google: Google) -> None:
    values = {"client": {"name": "{{ input.name }}"}, "note": None}

    given = run(execution, "google-docs", template="t-1", file_name="Offer", folder="f-1", values=values)

    (file,) = google.files
    assert (file["name"], file["parents"]) == ("Offer", ["f-1"])
    ((path, requests),) = google.changes
    assert path == "/docs/documents/copy-1:batchUpdate"
    filled = {each["replaceAllText"]["containsText"]["text"]: each["replaceAllText"]["replaceText"] for each in requests}
    assert filled == {"{{ client.name }}": "Ada", "{{client.name}}": "Ada", "{{ note }}": "", "{{note}}": ""}
    assert (given["url"], given["filename"], given["size"], given["reused"]) == ("https://docs.google.com/1", "Offer", 0, False)


def test_a_google_document_is_copied_once_whatever_happens_on_the_way(execution: Execution, google: Google) -> None:
    google.failures = [503]
    config = {"template": "t-1", "file_name": "Offer", "values": {"a": "1"}}
    with pytest.raises(NoAnswer):
        run(execution, "google-slides", **config)

    first, again = (run(execution, "google-slides", **config) for _ in range(2))

    assert [path for path, _ in google.changes] == ["/slides/presentations/copy-1:batchUpdate"]
    assert len(google.files) == 1
    assert again == first | {"reused": True}
    GeneratedDocument.objects.make_again(execution)
    assert run(execution, "google-slides", **config)["url"] == "https://docs.google.com/2"


def test_a_google_document_can_be_a_file_too(execution: Execution, google: Google) -> None:
    given = run(execution, "google-docs", template="t-1", file_name="Offer.pdf", as_pdf=True)

    document = GeneratedDocument.objects.get(pk=given["document_id"])
    assert (document.filename, bytes(document.content), document.ref) == ("Offer.pdf", b"%PDF-1.7", "copy-1")
    assert google.changes == []


def test_google_has_to_be_set_up(execution: Execution, settings: Settings) -> None:
    settings.GOOGLE = {"key_file": ""}

    with pytest.raises(StepError, match="GOOGLE_KEY_FILE"):
        run(execution, "google-docs", template="t-1", file_name="Offer")
