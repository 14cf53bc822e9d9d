"""What expressions make of what a trigger brings: an input, or a refusal that is noted and says why."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from pytest_django import Settings

from apps.triggers import addresses
from apps.triggers.models import Trigger, TriggerEvent
from apps.triggers.tests.started import started
from apps.triggers.tests.test_mail import KEYS, arrive
from apps.triggers.tests.test_webhooks import deliver

pytestmark = pytest.mark.django_db
type MakeTrigger = Callable[..., Trigger]
DEEP = b'{"items": ' + b"[" * 9_000 + b"]" * 9_000 + b"}"
REFUSED: list[tuple[str, Any, str]] = [
    ("{{ trigger.data.items[0] }}", {"items": []}, "'trigger.data.items[0]' has no value: index out of bounds: 0"),
    ("{{ trigger.data.items[0] }}", None, "has no value"),
    ("{{ trigger.data.x * 1e308 }}", {"x": 10.0}, "Out of range float values"),
    ("{{ 1 / trigger.data.x }}", {"x": 0}, "division by zero"),
    ("{{ int(trigger.data.x) }}", {"x": 1e300}, "overflow"),
    ("{{ timestamp(trigger.data.x) }}", {"x": "soon"}, "has no value"),
    ("{{ duration('1h') }}", {}, "'PT1H' is not of type 'integer'"),
    ("{{ b'\\xff' }}", {}, "cannot be stored"),
    ("{{ '\\u0000' }}", {}, "a NUL character"),
    ("{{ trigger.data['\\u0000'] }}", {}, "has no value"),
    ("{{ 'a'.matches(trigger.data.x) }}", {"x": "(" * 5_000}, "has no value"),
]


@pytest.mark.parametrize(("expression", "data", "said"), REFUSED)
def test_an_expression_without_a_value_is_refused_and_noted(
    make_trigger: MakeTrigger, expression: str, data: Any, said: str
) -> None:
    trigger = make_trigger(input={"amount": expression})

    answer = deliver(trigger, json.dumps(data).encode())

    event = TriggerEvent.objects.get()
    assert (answer.status_code, event.status, event.execution) == (422, "refused", None)
    assert said in event.error
    assert "\0" not in event.error
    assert len(event.error) <= 2_000
    assert event.error in answer.json()["detail"]
    trigger.refresh_from_db()
    assert trigger.last_error == event.error


@pytest.mark.parametrize("expression", ["now", "timestamp(trigger.data.at)", "timestamp(trigger.data.at) + duration('1h')"])
def test_a_time_arrives_as_a_text(make_trigger: MakeTrigger, expression: str) -> None:
    trigger = make_trigger(input={"amount": 1, "note": f"{{{{ {expression} }}}}"})

    answer = deliver(trigger, b'{"at": "2026-01-31T09:00:00Z"}')

    assert (answer.status_code, TriggerEvent.objects.get().status) == (202, "started")
    execution = started().get()
    given: Any = execution.input
    assert datetime.fromisoformat(given["note"]).tzinfo is not None
    assert execution.trigger_data == {"input": given}


@pytest.mark.parametrize("wanted", [{}, {"amount": "{{ size(trigger.data.items) }}"}])
def test_what_is_nested_without_end_reaches_no_expression(make_trigger: MakeTrigger, wanted: dict[str, str]) -> None:
    answer = deliver(make_trigger(input=wanted), DEEP)

    assert answer.status_code == 422
    assert "cannot be stored" in TriggerEvent.objects.get().error
    assert not started().exists()


@pytest.fixture
def _receiving(settings: Settings) -> None:
    settings.INBOUND_MAIL_DOMAIN, settings.INBOUND_MAIL_SERVICE = "in.example.com", "postmark"
    settings.ANYMAIL = {"WEBHOOK_SECRET": KEYS}


@pytest.mark.usefixtures("_receiving")
@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        ({"amount": "{{ trigger.data.attachments[7].size }}"}, "refused"),
        ({"amount": "{{ trigger.data.attachments[0].size * 1e308 }}"}, "refused"),
        ({"amount": 1, "note": "{{ now }}"}, "started"),
    ],
)
def test_a_mail_is_answered_and_noted_whatever_comes_of_it(
    make_trigger: MakeTrigger, wanted: dict[str, Any], status: str
) -> None:
    trigger = make_trigger("email", input=wanted)

    assert arrive(addresses.of(trigger)) == 200

    event = TriggerEvent.objects.get()
    assert (event.status, bool(event.error)) == (status, status == "refused")


@pytest.mark.usefixtures("_receiving")
def test_a_mail_that_no_database_stores_is_noted_and_starts_nothing(make_trigger: MakeTrigger) -> None:
    trigger = make_trigger("email", input={"amount": 1})

    assert arrive(addresses.of(trigger), subject="a\0b", Message_ID="<1\0@example.com>") == 200

    event = TriggerEvent.objects.get()
    assert (event.status, event.event_id) == ("refused", "<1\N{REPLACEMENT CHARACTER}@example.com>")
    assert event.error == "What it brings cannot be stored: a NUL character."
    assert not started().exists()
