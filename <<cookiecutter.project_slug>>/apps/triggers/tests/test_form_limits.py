"""What a public form takes and shows: anybody sends it, and whoever may change a workflow writes what stands in it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.triggers import keys, services
from apps.triggers.forms import MAX_SENT
from apps.triggers.models import Trigger, TriggerEvent
from apps.triggers.tests.started import started
from apps.users.models import User
from apps.workflows.models import Workflow

pytestmark = pytest.mark.django_db
ASKED = {
    "type": "object",
    "properties": {
        "list": {"type": "array"},
        "whole": {"type": "object"},
        "text": {"type": "string"},
        "sure": {"type": "boolean"},
    },
}
EVIL = "<b>"
MARKED = {
    "type": "object",
    "properties": {
        f"{EVIL}name": {"type": "string", "title": EVIL, "description": EVIL, "default": EVIL},
        "list": {"type": "array", "description": EVIL},
        "choice": {"type": "string", "description": EVIL, "enum": [EVIL]},
        "whole": {"type": "object", "properties": {EVIL: {"type": "string"}}},
    },
}


@pytest.fixture
def make_form(make_workflow: Callable[..., Workflow], owner: User) -> Callable[..., str]:
    """The address of a public form that asks for that."""

    def make(asked: dict[str, Any]) -> str:
        workflow = make_workflow({"key": "start", "kind": "trigger", "name": "Start"}, input_schema=asked)
        trigger = services.create_trigger(workflow, user=owner, kind="form", name="Form", config={})
        return f"/forms/{keys.token(trigger)}/"

    return make


@pytest.mark.parametrize("field", ["list", "whole"])
@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ("[NaN]", "NaN is no JSON"),
        ("[1e999]", "1e999 is no JSON"),
        (r'["\u0000"]', "a NUL character"),
        (r'["\ud800"]', "half of a character"),
        ("[" * 200_000, "nested too deep"),
        ("[" * 101 + "]" * 101, "nested more than 100 deep"),
        (f"[{'1' * 5_000}]", "cannot be taken"),
        ("[1", "Enter a valid JSON"),
    ],
)
def test_json_that_cannot_be_stored_is_said_at_its_field(make_form: Callable[..., str], field: str, sent: str, said: str) -> None:
    answer = Client().post(make_form(ASKED), {f"input-{field}": sent, "key": "k"})

    assert answer.status_code == 400
    assert said in " ".join(answer.context["form"].errors[field])
    assert not TriggerEvent.objects.exists()


def test_a_form_brings_so_much_and_no_more(make_form: Callable[..., str]) -> None:
    path = make_form(ASKED)

    refused = Client().post(path, {"input-text": "x" * (MAX_SENT + 1), "input-sure": "on", "key": "k"})
    taken = Client().post(path, {"input-text": "x" * (MAX_SENT - 4), "input-sure": "on", "key": "k"})

    assert refused.status_code == 400
    assert "This has 100,005 characters and may have 100,000: shorten it." in refused.content.decode()
    assert taken.status_code == 302
    assert started().count() == 1


@pytest.mark.parametrize("key", ["a\0b", "", "x" * 5_000])
def test_any_key_that_is_sent_can_be_stored(make_form: Callable[..., str], key: str) -> None:
    assert Client().post(make_form(ASKED), {"input-text": "a", "key": key}).status_code == 302

    stored = TriggerEvent.objects.get().event_id
    assert stored.isprintable()
    assert 0 < len(stored) <= 100


@pytest.mark.parametrize("charset", ["unicode_escape", "utf-7", "idna", "zlib", "iso-8859-1"])
def test_a_form_is_utf8_whatever_it_says(make_form: Callable[..., str], charset: str) -> None:
    sent = "é +2AA- \\ud800"
    content = f'--B\r\nContent-Disposition: form-data; name="input-text"\r\n\r\n{sent}\r\n--B--\r\n'.encode()

    answer = Client().generic(
        "POST", make_form(ASKED), content, content_type=f"multipart/form-data; boundary=B; charset={charset}"
    )
    page = Client().generic("GET", "/accounts/login/?next=%5Cud800", content_type=f"text/plain; charset={charset}")

    assert (answer.status_code, page.status_code) == (302, 200)
    assert started().get().input == {"text": sent, "sure": False}


def test_what_is_written_about_fields_is_shown_and_not_run(make_form: Callable[..., str], owner: User, client: Client) -> None:
    shown = client.get(make_form(MARKED)).content.decode()
    trigger = Trigger.objects.get()
    client.force_login(owner)
    asked = client.get(f"/workflows/{trigger.workflow_id}/triggers/new/webhook/").content.decode()

    assert EVIL not in shown + asked
    assert shown.count("&lt;b&gt;") >= 6
    assert "It asks for: " in asked
    assert "&lt;b&gt;name" in asked
