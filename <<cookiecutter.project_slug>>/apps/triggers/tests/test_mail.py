"""Mails that arrive by the webhook of a mail service."""

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from apps.triggers import addresses, keys, services
from apps.triggers.models import Trigger
from apps.triggers.tests.started import started
from apps.users.models import User

pytestmark = pytest.mark.django_db
type MakeTrigger = Callable[..., Trigger]
KEYS = ["in:older-key", "in:newer-key"]


@pytest.fixture(autouse=True)
def _receiving(settings: Settings) -> None:
    settings.INBOUND_MAIL_DOMAIN, settings.INBOUND_MAIL_SERVICE = "in.example.com", "postmark"
    settings.ANYMAIL = {"WEBHOOK_SECRET": KEYS}


def arrive(
    to: str,
    *,
    sender: str = "ada@example.com",
    subject: str = "Order 7",
    key: str = KEYS[1],
    service: str = "postmark",
    attached: bytes = b"a,b",
    **headers: str,
) -> int:
    """Have Postmark deliver a mail, in the shape of https://postmarkapp.com/developer/webhooks/inbound-webhook."""
    headers = {"Message-ID": "<1@example.com>"} | {name.replace("_", "-"): value for name, value in headers.items()}
    message: dict[str, Any] = {
        "FromFull": {"Email": sender, "Name": "Ada", "MailboxHash": ""},
        "ToFull": [{"Email": to, "Name": "", "MailboxHash": ""}],
        "CcFull": [],
        "BccFull": [],
        "OriginalRecipient": to,
        "Subject": subject,
        "MessageID": "22c74902-a0c1-4511-804f-341342852c90",
        "TextBody": "Three chairs, please.",
        "HtmlBody": "",
        "Headers": [{"Name": name, "Value": value} for name, value in headers.items()],
        "Attachments": [
            {
                "Name": "list.csv",
                "Content": b64encode(attached).decode(),
                "ContentType": "text/csv",
                "ContentLength": len(attached),
            }
        ],
    }
    given = {"Authorization": f"Basic {b64encode(key.encode()).decode()}"}
    address = f"/webhooks/mail/{service}/"
    return Client().post(address, json.dumps(message), content_type="application/json", headers=given).status_code


def test_a_mail_starts_the_workflow_once(make_trigger: MakeTrigger) -> None:
    trigger = make_trigger("email", input={"amount": 1, "note": "{{ trigger.data.subject }}"})
    address = addresses.of(trigger)
    assert address == f"{keys.token(trigger)}@in.example.com"

    assert [arrive(address.upper()) for _ in range(2)] == [200, 200]

    execution = started().get()
    assert (execution.trigger, execution.input) == ("email", {"amount": 1, "note": "Order 7"})
    brought = execution.context["trigger"]
    assert (brought["from"], brought["text"]) == ("ada@example.com", "Three chairs, please.")
    assert brought["attachments"] == [{"name": "list.csv", "type": "text/csv", "size": 3}]
    assert arrive(address, Message_ID="<2@example.com>") == 200
    assert started().count() == 2


def test_a_mail_of_three_megabytes_arrives(make_trigger: MakeTrigger) -> None:
    trigger = make_trigger("email", input={"amount": 1})

    assert arrive(addresses.of(trigger), attached=bytes(3_000_000)) == 200

    assert started().get().context["trigger"]["attachments"][0]["size"] == 3_000_000


@pytest.mark.parametrize("wrong", [{"key": "in:guessed"}, {"key": "in"}])
def test_only_the_mail_service_delivers(make_trigger: MakeTrigger, wrong: dict[str, Any]) -> None:
    trigger = make_trigger("email", input={"amount": 1})

    assert arrive(addresses.of(trigger), **wrong) == 400

    assert not started().exists()


def test_another_service_or_none_is_not_there(make_trigger: MakeTrigger, settings: Settings) -> None:
    to = addresses.of(make_trigger("email", input={"amount": 1}))

    assert [arrive(to, service=service) for service in ("mailgun", "nobody")] == [404, 404]
    settings.ANYMAIL = {"WEBHOOK_SECRET": []}
    assert arrive(to) == 404

    assert not started().exists()


def test_strays_and_machines_start_nothing(make_trigger: MakeTrigger) -> None:
    to = addresses.of(make_trigger("email", input={"amount": 1}, senders=["@example.com", "bob@example.org"]))

    ignored = [
        arrive("somebody@in.example.com"),
        arrive(to, sender="eve@example.net"),
        arrive(to, sender="notbob@example.org"),
        arrive(to, Auto_Submitted="auto-replied"),
    ]
    assert ignored == [200] * 4
    assert not started().exists()

    assert arrive(to, sender="bob@example.org") == 200
    assert started().count() == 1


def test_the_address_before_counts_until_it_is_dropped(make_trigger: MakeTrigger, owner: User) -> None:
    trigger = make_trigger("email", input={"amount": 1})
    before = addresses.of(trigger)
    trigger = services.renew_key(trigger, user=owner)
    assert addresses.of(trigger) != before

    arrive(before, Message_ID="<1@example.com>")
    arrive(addresses.of(trigger), Message_ID="<2@example.com>")
    services.drop_previous_key(trigger)
    arrive(before, Message_ID="<3@example.com>")

    assert started().count() == 2
