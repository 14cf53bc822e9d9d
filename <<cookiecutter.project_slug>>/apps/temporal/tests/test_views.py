"""The codec endpoint: who may have payloads decrypted, and from where. The real CLI asks in test_codec.py."""

import asyncio
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client as Browser
from google.protobuf.json_format import MessageToDict
from pytest_django import Settings
from temporalio.api.common.v1 import Payload, Payloads

from apps.temporal import views
from apps.temporal.codec import EncryptionCodec
from apps.temporal.tests.test_codec import CLEAR, NEW, OLD
from apps.users.models import User
from apps.users.services import create_token

pytestmark = pytest.mark.django_db

DECODE, ENCODE = "/temporal/codec/decode", "/temporal/codec/encode"
UI = "https://temporal.example.com"


@pytest.fixture(autouse=True)
def _encrypting(settings: Settings) -> None:
    settings.TEMPORAL_ENCRYPTION_KEYS, settings.TEMPORAL_UI_URL = OLD, f"{UI}/namespaces/default"


@pytest.fixture
def reader() -> User:
    """Staff who may see the outbox."""
    user = User.objects.create_user("reader@example.com", "a-long-password", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_outboxmessage"))
    return user


def as_json(*payloads: Payload) -> dict[str, Any]:
    return MessageToDict(Payloads(payloads=payloads))


def sealed() -> dict[str, Any]:
    return as_json(*asyncio.run(EncryptionCodec(OLD).encode([CLEAR])))


def bearer(user: User) -> dict[str, str]:
    return {"Authorization": f"Bearer {create_token(user=user, name='cli')}", "X-Namespace": "default"}


def post(address: str, body: Any, headers: dict[str, str], browser: Browser | None = None) -> Any:
    client = browser or Browser(enforce_csrf_checks=True)
    return client.post(address, body, content_type="application/json", headers=headers)


def test_a_token_has_payloads_decrypted(reader: User) -> None:
    answer = post(DECODE, sealed(), bearer(reader))

    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    assert answer.json() == as_json(CLEAR)


def test_payloads_in_clear_are_given_back_as_they_are(reader: User) -> None:
    assert post(DECODE, as_json(CLEAR, CLEAR), bearer(reader)).json() == as_json(CLEAR, CLEAR)
    assert post(DECODE, {}, bearer(reader)).json() == {}


def test_what_is_encrypted_here_is_what_a_worker_reads(reader: User) -> None:
    encoded = post(ENCODE, as_json(CLEAR), bearer(reader)).json()

    assert encoded != as_json(CLEAR)
    assert post(DECODE, encoded, bearer(reader)).json() == as_json(CLEAR)


def test_the_ui_asks_with_the_session_of_whoever_looks_at_it(reader: User) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(reader)

    answer = post(f"{DECODE}?preserveStorageRefs=true", sealed(), {"Origin": UI}, browser)

    assert answer.json() == as_json(CLEAR)
    assert answer["Access-Control-Allow-Origin"] == UI
    assert answer["Access-Control-Allow-Credentials"] == "true"
    assert "Origin" in answer["Vary"]


def test_the_browsers_question_before_it_is_answered_without_a_session() -> None:
    answer = Browser().options(
        DECODE,
        headers={
            "Origin": UI,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type,x-namespace",
        },
    )

    assert answer.status_code == 204
    assert answer["Access-Control-Allow-Origin"] == UI
    assert answer["Access-Control-Allow-Methods"] == "POST"
    assert {"Content-Type", "X-Namespace", "Authorization"} <= set(answer["Access-Control-Allow-Headers"].split(", "))


@pytest.mark.parametrize("origin", ["https://example.com", "http://temporal.example.com", f"{UI}:8443", f"{UI}.uk", "null"])
def test_pages_of_other_sites_get_nothing(reader: User, origin: str) -> None:
    browser = Browser()
    browser.force_login(reader)

    answers = [
        post(DECODE, sealed(), {"Origin": origin}, browser),
        post(DECODE, sealed(), {"Origin": origin, **bearer(reader)}),
        browser.options(DECODE, headers={"Origin": origin}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert not any("Access-Control-Allow-Origin" in answer for answer in answers)


def test_a_session_alone_does_not_count(reader: User) -> None:
    browser = Browser()
    browser.force_login(reader)

    assert post(DECODE, sealed(), {}, browser).status_code == 401


@pytest.mark.parametrize("headers", [{}, {"Origin": UI}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic YTpi"}])
def test_whoever_is_not_known_is_told_how_to_sign_in(headers: dict[str, str]) -> None:
    answer = post(DECODE, sealed(), headers)

    assert answer.status_code == 401
    assert "oken" in answer.json()["detail"] or "TOKEN" in answer.json()["detail"]
    assert ("Access-Control-Allow-Origin" in answer) == ("Origin" in headers)


@pytest.mark.parametrize(("is_staff", "permitted"), [(False, True), (True, False)], ids=["not staff", "no permission"])
def test_whoever_may_not_see_the_outbox_may_not_read_payloads(reader: User, is_staff: bool, permitted: bool) -> None:
    reader.is_staff = is_staff
    reader.save()
    if not permitted:
        reader.user_permissions.clear()

    answer = post(DECODE, sealed(), bearer(reader))

    assert answer.status_code == 403
    assert "temporal.view_outboxmessage" in answer.json()["detail"]


@pytest.mark.parametrize(
    "body", ["no json", "", "[1]", "1", '"text"', "null", '{"payloads": [{"data": 1}]}', '{"other": 1}', b"\xff"]
)
def test_what_is_no_payload_is_refused_with_a_sentence(reader: User, body: Any) -> None:
    answer = post(DECODE, body, bearer(reader))

    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("Send payloads as JSON")


def test_a_key_that_is_not_there_is_named(reader: User, settings: Settings) -> None:
    settings.TEMPORAL_ENCRYPTION_KEYS = NEW

    answer = post(DECODE, sealed(), {"Origin": UI, **bearer(reader)})

    assert answer.status_code == 400
    assert "'2026-01'" in answer.json()["detail"]
    assert answer["Access-Control-Allow-Origin"] == UI


def test_the_largest_payload_passes_and_more_than_the_limit_does_not(reader: User) -> None:
    largest = Payload(data=bytes(2 * 2**20))

    assert post(DECODE, as_json(*asyncio.run(EncryptionCodec(OLD).encode([largest]))), bearer(reader)).status_code == 200
    assert post(DECODE, " " * (views.MAX_BYTES + 1), bearer(reader)).status_code == 413


def test_only_post_is_answered(reader: User) -> None:
    assert Browser().get(DECODE, headers=bearer(reader)).status_code == 405


def test_without_encryption_there_is_no_endpoint(reader: User, settings: Settings) -> None:
    settings.TEMPORAL_ENCRYPTION_KEYS = {}

    assert post(DECODE, sealed(), bearer(reader)).status_code == 404
    assert Browser().options(DECODE, headers={"Origin": UI}).status_code == 404


def test_there_is_nothing_else_beside_it(reader: User) -> None:
    assert post("/temporal/codec/download", sealed(), bearer(reader)).status_code == 404
