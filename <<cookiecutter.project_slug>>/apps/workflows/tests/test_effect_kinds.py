"""Steps that have an effect outside: mails, requests to other services, functions of the project. Once, however often tried."""

import socket
import threading
from collections.abc import Callable, Iterator
from http.client import IncompleteRead
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import ImproperlyConfigured, ValidationError
from pytest_django import Settings

from apps.executions.models import Execution
from apps.notifications import webhooks
from apps.notifications.models import Mail
from apps.users.models import User
from apps.workflows import documents, services
from apps.workflows.kinds import base, code
from apps.workflows.kinds.base import StepContext, StepError
from apps.workflows.kinds.http import MAX_ANSWER
from apps.workflows.kinds.outside import NoAnswer
from apps.workflows.models import Project, Workflow
from apps.workflows.signing import signing_key
from apps.workflows.tests.office_files import word
from apps.workflows.tests.service import Answer, Service, patience, service

pytestmark = pytest.mark.django_db

START = {"key": "start", "kind": "trigger", "name": "Start", "next": [{"to": "letter"}]}
LETTER = {"key": "letter", "kind": "microsoft-word", "name": "Letter", "config": {"template": "letter"}}
JSON = "application/json"


@pytest.fixture
def execution(make_workflow: Callable[..., Workflow], owner: User) -> Execution:
    workflow = make_workflow(START, LETTER)
    assert workflow.current is not None
    return services.start(workflow.current, values={"name": "Ada", "to": ["a@example.com", "b@example.com"]}, user=owner)


@pytest.fixture
def other_side(settings: Settings) -> Iterator[Service]:
    """A service that steps may ask. It answers with what it was sent."""
    settings.WEBHOOK_ALLOW_INTERNAL = True
    with service(lambda asked: (200, JSON, asked.body or b"null")) as running:
        yield running


def run(execution: Execution, name: str, *, steps: Any = None, index: int | None = None, **config: Any) -> Any:
    """Do a step of a kind."""
    kind = base.find(name)
    context = {"input": execution.input, "steps": steps or {}, "workflow": {"project": "demo"}}
    place = "do" if index is None else f"do:{index}"
    key = f"{execution.temporal_workflow_id}:{place}"
    wanted = StepContext(execution_id=str(execution.pk), step="do", key=key, context=context, index=index)
    kind.read(config)
    return kind.run(kind.rendered(config, context), wanted)


def test_a_mail_goes_to_each_address_once(execution: Execution) -> None:
    config: Any = {
        "to": ["{{ input.to }}", "c@example.com", "a@example.com"],
        "subject": "Dear\n{{ input.name }}",
        "body": "Hello.",
    }

    first, again = (run(execution, "email", **config) for _ in range(2))

    assert [message.to for message in mail.outbox] == [["a@example.com"], ["b@example.com"], ["c@example.com"]]
    assert (mail.outbox[0].subject, mail.outbox[0].body) == ("Dear Ada", "Hello.")
    assert first == {"status": "sent", "recipients": ["a@example.com", "b@example.com", "c@example.com"], "repeated": False}
    assert again == first | {"repeated": True}


def test_a_mail_is_one_for_each_item_of_a_list(execution: Execution) -> None:
    for index in (0, 1, 1):
        run(execution, "gmail", index=index, to=["a@example.com"], subject=str(index), body="Hello.")

    assert [message.subject for message in mail.outbox] == ["0", "1"]


def test_a_mail_is_sent_again_when_effects_are_wanted_again(execution: Execution) -> None:
    run(execution, "outlook", to=["a@example.com"], subject="Hello", body="Hello.")

    assert Mail.objects.get().key.startswith(f"{execution.temporal_workflow_id}:")


def test_a_mail_has_the_documents_of_steps_before(execution: Execution, project: Project, owner: User) -> None:
    documents.store_template(project, user=owner, filename="letter.docx", content=word(("Hello",)))
    made = run(execution, "microsoft-word", template="letter")
    steps = {"letter": {"output": made}}

    for attachment in ("{{ steps.letter.output }}", "{{ steps.letter.output.document_id }}"):
        run(execution, "email", steps=steps, to=["a@example.com"], subject="x", body="x", attachments=[attachment])
        Mail.objects.all().delete()

    assert [[(name, len(content)) for name, content, _ in message.attachments] for message in mail.outbox] == [
        [("letter.docx", made["size"])]
    ] * 2


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"to": ["{{ input.name }}"]}, "'Ada' is no e-mail address"),
        ({"to": ["{{ 1 + 1 }}"]}, "neither a text nor a list"),
        ({"to": ["{{ [] }}"]}, "at least one address"),
        ({"attachments": ["{{ input.name }}"]}, "is no document"),
    ],
)
def test_a_mail_that_can_never_be_sent_is_said(execution: Execution, config: dict[str, Any], message: str) -> None:
    with pytest.raises(StepError, match=message):
        run(execution, "email", **({"to": ["a@example.com"], "subject": "x", "body": "x"} | config))

    assert mail.outbox == []


def test_a_request_is_signed_has_a_key_and_gives_the_answer(execution: Execution, other_side: Service, project: Project) -> None:
    body = {"name": "{{ input.name }}", "count": "{{ size(input.to) }}"}

    answers = [run(execution, "http-request", url=f"{other_side.url}/in?a=1", headers={"X-A": "{{ input.name }}"}, body=body)] * 2

    assert answers[0] == {"status": 200, "body": {"name": "Ada", "count": 2}}
    call = other_side.calls[0]
    assert (call.method, call.path, call.headers["x-a"]) == ("POST", "/in?a=1", "Ada")
    key = f"{execution.temporal_workflow_id}:do"
    assert call.headers["idempotency-key"] == call.headers["webhook-id"] == key
    expected = webhooks.signature(signing_key(project), key, int(call.headers["webhook-timestamp"]), call.body)
    assert call.headers["webhook-signature"] == expected
    assert "authorization" not in call.headers


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_a_request_has_any_method_and_may_have_no_body(execution: Execution, other_side: Service, method: str) -> None:
    other_side.answer = lambda _: (200, "text/plain", b"fine")

    assert run(execution, "http-request", method=method, url=other_side.url)["body"] == "fine"
    assert (other_side.calls[0].method, other_side.calls[0].body) == (method, b"")


def test_a_host_gets_the_token_that_the_settings_have_for_it(
    execution: Execution, other_side: Service, settings: Settings
) -> None:
    settings.WORKFLOW_HTTP_TOKENS = {"127.0.0.1": "right", "example.com": "wrong"}

    run(execution, "http-request", url=other_side.url)

    assert other_side.calls[0].headers["authorization"] == "Bearer right"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((500, JSON, b""), NoAnswer),
        ((429, JSON, b""), NoAnswer),
        ((404, JSON, b"no such thing"), StepError),
        ((302, JSON, b""), StepError),
        ((200, JSON, b"{"), StepError),
        ((200, "text/plain", b"x" * (MAX_ANSWER + 1)), StepError),
    ],
)
def test_what_may_pass_is_tried_again_and_the_rest_is_final(
    execution: Execution, other_side: Service, answer: Answer, error: type[Exception]
) -> None:
    other_side.answer = lambda _: answer

    with pytest.raises(error):
        run(execution, "http-request", url=other_side.url)


def test_an_answer_that_breaks_off_is_asked_for_again(execution: Execution, settings: Settings) -> None:
    settings.WEBHOOK_ALLOW_INTERNAL = True

    def break_off(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(10_000)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nhalf")

    with patience(), socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=break_off, args=(listening,), daemon=True)
        thread.start()
        with pytest.raises(IncompleteRead):
            run(execution, "http-request", method="GET", url=f"http://127.0.0.1:{listening.getsockname()[1]}/")
        thread.join()


def test_a_status_that_is_expected_is_no_failure(execution: Execution, other_side: Service) -> None:
    other_side.answer = lambda _: (404, JSON, b"null")

    assert run(execution, "http-request", url=other_side.url, expected=[200, 404]) == {"status": 404, "body": None}


def test_an_address_inside_the_network_is_not_asked(execution: Execution) -> None:
    for url in ("https://127.0.0.1/", "https://{{ '169.254.169.254' }}/", "http://{{ 'example.com' }}/"):
        with pytest.raises(StepError, match=r"inside a network|begins with https"):
            run(execution, "http-request", url=url)


def test_a_header_cannot_become_two(execution: Execution, other_side: Service) -> None:
    with pytest.raises(StepError, match="Invalid header"):
        run(execution, "http-request", url=other_side.url, headers={"X-A": "{{ 'a\\r\\nX-B: b' }}"})

    assert other_side.calls == []


@pytest.mark.parametrize(
    ("name", "config", "message"),
    [
        ("http-request", {"url": "http://example.com"}, "begins with https"),
        ("http-request", {"url": "https://example.com", "headers": {"Host": "x"}}, "written by the step itself"),
        ("http-request", {"url": "https://example.com", "headers": {"webhook-id": "x"}}, "written by the step itself"),
        ("http-request", {"url": "https://example.com", "method": "TRACE"}, "Input should be"),
        ("email", {"to": ["nobody"], "subject": "x", "body": "x"}, "'nobody' is no e-mail address"),
        ("email", {"to": [], "subject": "x", "body": "x"}, "Say who gets it"),
        ("code", {"function": "nothing"}, "There is no code step 'nothing': choose"),
        ("code", {"function": "scored", "arguments": {}}, "missing a required argument: 'company'"),
        ("code", {"function": "scored", "arguments": {"company": "x", "more": 1}}, "unexpected keyword argument 'more'"),
    ],
)
def test_what_cannot_be_is_refused_when_it_is_saved(name: str, config: dict[str, Any], message: str, scored: list[Any]) -> None:
    with pytest.raises(ValidationError, match=message):
        base.find(name).read(config)


@pytest.fixture
def scored(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the code step `scored` was called with."""
    calls: list[Any] = []

    def scored(company: str, turnover: int = 1, *, step: StepContext) -> dict[str, Any]:
        calls.append((company, turnover, step.key))
        if turnover < 0:
            raise ValueError("turnover below zero")
        return {"score": turnover * 2}

    monkeypatch.setattr(code, "_functions", {})
    code.code_step(scored)
    return calls


def test_a_function_of_the_project_is_run_with_its_arguments(execution: Execution, scored: list[Any]) -> None:
    arguments = {"company": "{{ input.name }}", "turnover": "{{ size(input.to) }}"}

    assert run(execution, "code", function="scored", arguments=arguments) == {"score": 4}
    assert scored == [("Ada", 2, f"{execution.temporal_workflow_id}:do")]


def test_a_function_that_raises_is_tried_again_and_one_given_other_types_is_not(execution: Execution, scored: list[Any]) -> None:
    with pytest.raises(ValueError, match="below zero"):
        run(execution, "code", function="scored", arguments={"company": "x", "turnover": -1})
    with pytest.raises(StepError, match="another turnover than it takes"):
        run(execution, "code", function="scored", arguments={"company": "x", "turnover": "many"})


def test_two_functions_of_one_name_are_refused(scored: list[Any]) -> None:
    def other() -> None:
        """Another."""

    other.__name__, other.__module__ = "scored", "elsewhere"

    with pytest.raises(ImproperlyConfigured, match="two code steps named 'scored'"):
        code.code_step(other)


def test_the_form_of_a_code_step_knows_its_functions(scored: list[Any]) -> None:
    assert base.find("code").Config.model_json_schema()["properties"]["function"]["enum"] == ["scored"]


def test_a_draft_is_published_by_nobody_when_a_test_asks_whether_its_publisher_may(
    make_workflow: Callable[..., Workflow],
) -> None:
    staff = User.objects.create_superuser(email="staff@example.com", password="only-for-tests")
    workflow = make_workflow(LETTER, is_published=False)
    tested = services.start(workflow.versions.get(), values={}, user=staff, is_test=True)
    services.publish(workflow, user=staff)

    with pytest.raises(StepError, match="who publishes"):
        run(tested, "code", function="import_user", arguments={"email": "ada@example.com"})

    assert not User.objects.filter(email="ada@example.com").exists()
