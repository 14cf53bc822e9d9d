"""Signed messages: who may start something, when, and how often."""

import hashlib
import hmac
import json
import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from pytest_django import Settings

from apps.triggers import keys, services
from apps.triggers.models import Trigger, TriggerEvent
from apps.triggers.tests.started import started
from apps.users.models import User

pytestmark = pytest.mark.django_db
type MakeTrigger = Callable[..., Trigger]
BODY = b'{"amount": 5, "customer": "Ada"}'
HUBSPOT_KEY = "client-secret"


def deliver(
    trigger: Trigger, body: bytes = BODY, *, key: str = "", sent: float = 0, number: str = "msg_1", **headers: str
) -> Any:
    """Post it, signed as https://www.standardwebhooks.com says, `sent` seconds ago."""
    moment = str(int(time.time() - sent))
    secret = b64decode((key or keys.signing_key(trigger)).removeprefix("whsec_"))
    signed = hmac.new(secret, number.encode() + b"." + moment.encode() + b"." + body, hashlib.sha256).digest()
    given = {
        "webhook-id": number,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{b64encode(signed).decode()}",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    address = f"/api/v1/webhooks/triggers/{trigger.pk}"
    return Client().post(address, body, content_type="application/json", headers={k: v for k, v in given.items() if v})


@pytest.fixture
def _clock_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a message is under way."""
    monkeypatch.setattr(time, "time", lambda: 1_800_000_000.0)


def test_a_signed_message_starts_the_workflow_once(make_trigger: MakeTrigger) -> None:
    trigger = make_trigger()

    first, second = (deliver(trigger) for _ in range(2))

    execution = started().get()
    expected = [{"status": "started", "execution_id": str(execution.pk), "error": ""}]
    assert (first.status_code, first.json()) == (202, expected)
    assert (second.status_code, second.json()) == (202, expected)
    assert execution.context["trigger"] == json.loads(BODY)


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook_signature": "v1,bm90IHJpZ2h0"},
        {"webhook_signature": ""},
        {"webhook_signature": "v1,\u00e9"},
        {"webhook_id": "msg_2"},
        {"webhook_id": ""},
        {"number": ""},
        {"number": "x" * 201},
        {"webhook_timestamp": "1"},
        {"webhook_timestamp": "soon"},
        {"webhook_timestamp": "9" * 400},
        {"sent": 301},
        {"sent": -301},
        {"key": "whsec_YW5vdGhlciBrZXk="},
    ],
    ids=lambda changed: str(changed)[:40],
)
@pytest.mark.usefixtures("_clock_stands")
def test_what_is_forged_altered_or_late_is_refused(make_trigger: MakeTrigger, changed: dict[str, Any]) -> None:
    trigger = make_trigger()

    answer = deliver(trigger, **changed)

    assert answer.status_code == 401
    assert not TriggerEvent.objects.exists()


@pytest.mark.usefixtures("_clock_stands")
@pytest.mark.parametrize("sent", [300, -300])
def test_clocks_may_differ_by_five_minutes(make_trigger: MakeTrigger, sent: float) -> None:
    assert deliver(make_trigger(), sent=sent).status_code == 202


@pytest.mark.django_db(transaction=True)
def test_a_message_that_comes_fifty_times_at_once_starts_one_execution(make_trigger: MakeTrigger) -> None:
    trigger = make_trigger()

    def answer(_: int) -> tuple[int, Any]:
        try:
            given = deliver(trigger)
            return given.status_code, given.json()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(50) as senders:
        answers = list(senders.map(answer, range(50)))

    execution = started().get()
    assert answers == [(202, [{"status": "started", "execution_id": str(execution.pk), "error": ""}])] * 50
    trigger.refresh_from_db()
    assert trigger.fired_count == 1


def test_the_signature_is_over_the_very_bytes(make_trigger: MakeTrigger) -> None:
    trigger = make_trigger()
    signed = deliver(trigger, b'{"amount":  5}').wsgi_request.headers["webhook-signature"]

    assert deliver(trigger, b'{"amount": 5}', webhook_signature=signed).status_code == 401


def test_two_keys_count_while_one_is_replaced(make_trigger: MakeTrigger, owner: User) -> None:
    trigger = make_trigger()
    oldest = keys.signing_key(trigger)

    trigger = services.renew_key(trigger, user=owner)
    assert keys.signing_key(trigger) != oldest
    assert [deliver(trigger, key=key).status_code for key in (oldest, "")] == [202, 202]

    trigger = services.drop_previous_key(trigger)
    assert [deliver(trigger, key=key).status_code for key in (oldest, "")] == [401, 202]
    # The key before the one before never counts.
    assert deliver(services.renew_key(trigger, user=owner), key=oldest).status_code == 401


def test_a_key_outlives_a_change_of_the_sites_own(make_trigger: MakeTrigger, settings: Settings) -> None:
    trigger = make_trigger()
    key = keys.signing_key(trigger)

    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another"

    assert deliver(trigger, key=key).status_code == 202
    settings.SECRET_KEY_FALLBACKS = []
    assert deliver(trigger, key=key).status_code == 401


def test_what_cannot_be_read_or_started_is_said(make_trigger: MakeTrigger) -> None:
    trigger = make_trigger()

    answers = [deliver(trigger, body) for body in (b"no json", b"[" * 100_000, b'{"amount": "five"}', b'"' + b"x" * 2**20 + b'"')]

    assert [answer.status_code for answer in answers] == [422, 422, 422, 413]
    assert "'five' is not of type 'integer'" in answers[2].json()["detail"]
    assert not started().exists()


def test_a_paused_trigger_answers_and_starts_nothing(make_trigger: MakeTrigger) -> None:
    trigger = make_trigger()
    Trigger.objects.update(enabled=False)

    answer = deliver(trigger)

    assert answer.json() == [{"status": "skipped", "execution_id": None, "error": "The trigger is paused."}]
    assert not started().exists()


def test_triggers_of_other_kinds_take_no_messages(make_trigger: MakeTrigger) -> None:
    assert deliver(make_trigger("form")).status_code == 404


def hubspot(trigger: Trigger, events: Any, *, key: str = HUBSPOT_KEY, late: int = 0) -> Any:
    body, stamp = json.dumps(events), str(int((time.time() - late) * 1000))
    address = f"/api/v1/webhooks/triggers/{trigger.pk}"
    signed = f"POSThttp://testserver{address}{body}{stamp}".encode()
    signature = b64encode(hmac.new(key.encode(), signed, hashlib.sha256).digest()).decode()
    headers = {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": stamp}
    return Client().post(address, body, content_type="application/json", headers=headers)


def test_hubspot_sends_several_events_at_once(make_trigger: MakeTrigger, settings: Settings) -> None:
    settings.HUBSPOT_WEBHOOK_KEYS = ["newer", HUBSPOT_KEY]
    trigger = make_trigger("hubspot", events=["deal.creation"], input={"amount": "{{ trigger.data.objectId }}"})
    kinds = enumerate(("deal.creation", "contact.creation", "deal.creation"))
    events = [{"eventId": number, "occurredAt": 1, "subscriptionType": kind, "objectId": 7} for number, kind in kinds]

    answers = [hubspot(trigger, events) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [202, 202]
    facts = list(started().values_list("trigger", "source_object_type", "source_object_id", "input__amount", "context__source"))
    assert [fact[:4] for fact in facts] == [("hubspot", "deal", "7", 7)] * 2
    assert sorted(fact[4]["eventId"] for fact in facts) == [0, 2]
    assert hubspot(trigger, events, key="forged").status_code == 401
    assert hubspot(trigger, events, late=301).status_code == 401
    assert hubspot(trigger, ["?"]).status_code == 422
