"""What signature providers send counts when it is theirs, of now, and once. Shapes as their documentation shows them."""

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from apps.approvals import webhooks
from apps.approvals.models import PeopleRequest, ProviderEvent, SignatureRequest
from apps.approvals.tests.conftest import ADA, BOB
from apps.executions.models import Execution
from apps.temporal.models import OutboxMessage

pytestmark = pytest.mark.django_db
type Body = dict[str, Any]
OLD, NEW = "the-old-key", "the-new-key"
NAMES = {"clicksign": ("sign", "refusal"), "zapsign": ("signed", "refused")}


@pytest.fixture(autouse=True)
def _keys(settings: Settings) -> None:
    settings.SIGNATURE_PROVIDERS = {
        name: {"url": "http://127.0.0.1:9", "token": "t", "webhook_keys": [OLD, NEW]} for name in ("clicksign", "zapsign")
    }


@pytest.fixture
def asked(execution: Execution) -> Callable[..., SignatureRequest]:
    """Both are to sign with a provider that knows the request as ref-1."""

    def make(provider: str = "clicksign", **more: Any) -> SignatureRequest:
        now = timezone.now()
        request = SignatureRequest.objects.create(
            kind="signature", execution=execution, step="sign", attempt=1, title="The contract", quorum=2,
            created_at=now, expires_at=now + timedelta(days=7), provider=provider, provider_ref="ref-1", **more,
        )  # fmt: skip
        for email in (ADA, BOB):
            request.people.create(email=email, token_digest=email)
        Execution.objects.update(status="paused")
        return request

    return make


def clicksign(email: str, event: str = "sign", **more: Any) -> Body:
    data = {"signer": {"email": email, "name": "Somebody"}}
    document = {"key": "document-1", "envelope_id": "ref-1", "status": "running", **more}
    return {"event": {"name": event, "data": data, "occurred_at": timezone.now().isoformat()}, "document": document}


def zapsign(*stand: str, **more: Any) -> Body:
    signers = [{"email": email.upper(), "status": status} for email, status in zip((ADA, BOB), stand, strict=False)]
    return {"token": "ref-1", "external_id": "", "event_type": "doc_signed", "last_update_at": timezone.now().isoformat(),
            "signers": signers, **more}  # fmt: skip


def answer_to(message: Body | bytes, provider: str = "clicksign", key: str = NEW, **headers: str) -> Any:
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    signature = f"sha256={hmac.new(key.encode(), body, hashlib.sha256).hexdigest()}"
    path, headers = f"/api/v1/webhooks/signature/{provider}", {"Content-Hmac": signature, **headers}
    return Client().post(path, body, "application/json", headers=headers)


def deliver(message: Body | bytes, *args: str, **more: str) -> int:
    return int(answer_to(message, *args, **more).status_code)


def signals() -> list[Any]:
    return [
        (message.payload["name"], message.payload["argument"]["status"])
        for message in OutboxMessage.objects.filter(kind="signal")
    ]


def test_the_workflow_is_told_when_everyone_has_signed(asked: Callable[..., SignatureRequest], execution: Execution) -> None:
    request = asked()

    first = answer_to(clicksign(ADA))
    execution.refresh_from_db()
    assert (first.status_code, first.json()) == (200, {"success": True})
    assert (request.signers_status, execution.status) == ({ADA: "signed", BOB: "pending"}, "paused")
    assert (request.all_signed(), signals()) == (False, [])
    deliver(clicksign(BOB))

    request.refresh_from_db()
    execution.refresh_from_db()
    assert (request.all_signed(), request.status, execution.status) == (True, "signed", "running")
    assert signals() == [("signature_update", "signed")]
    assert request.webhook_data["event"]["data"]["signer"]["email"] == BOB  # type: ignore[index]
    assert request.decided_at


def test_who_refuses_declines_for_all(asked: Callable[..., SignatureRequest]) -> None:
    request = asked()

    assert deliver(clicksign(BOB, "refusal")) == 200

    request.refresh_from_db()
    assert (request.status, signals()) == ("declined", [("signature_update", "declined")])


def test_a_repeated_delivery_has_one_effect(asked: Callable[..., SignatureRequest], execution: Execution) -> None:
    request = asked()
    message = json.dumps(clicksign(ADA)).encode()

    answers = [answer_to(message) for _ in range(3)]

    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, {"success": True})] * 3
    assert request.signers_status == {ADA: "signed", BOB: "pending"}
    assert (ProviderEvent.objects.count(), execution.events.filter(action="signed").count()) == (1, 1)


def test_other_messages_about_a_request_are_kept_and_do_nothing(asked: Callable[..., SignatureRequest]) -> None:
    request = asked()

    assert [deliver(clicksign(ADA, name)) for name in ("add_signer", "deadline", "upload")] == [200] * 3

    assert set(request.signers_status.values()) == {"pending"}


def test_a_forged_message_is_refused(asked: Callable[..., SignatureRequest]) -> None:
    request, message = asked(), clicksign(ADA)

    wrong = [
        deliver(message, key="another"),
        deliver(message, **{"Content-Hmac": ""}),
        deliver(message, **{"Content-Hmac": "sha256=é"}),
        deliver(message, "zapsign", key="another", **{"X-Webhook-Key": "another"}),
        deliver(message, "zapsign", key="another", **{"X-Webhook-Key": ""}),
    ]

    assert wrong == [401] * 5
    assert set(request.signers_status.values()) == {"pending"}


def test_without_a_key_nothing_is_taken(asked: Callable[..., SignatureRequest], settings: Settings) -> None:
    settings.SIGNATURE_PROVIDERS["clicksign"]["webhook_keys"] = []

    assert deliver(clicksign(ADA), key="") == 401


def test_two_keys_are_live_while_one_is_replaced(asked: Callable[..., SignatureRequest], settings: Settings) -> None:
    request = asked()

    assert [deliver(clicksign(ADA), key=OLD), deliver(clicksign(BOB), key=NEW)] == [200, 200]
    settings.SIGNATURE_PROVIDERS["clicksign"]["webhook_keys"] = [NEW]

    assert deliver(clicksign(ADA), key=OLD) == 401
    assert request.all_signed()


@pytest.mark.parametrize(("shift", "status"), [(-webhooks.WINDOW, 401), (-timedelta(hours=1), 200), (timedelta(hours=1), 401)])
def test_a_message_of_another_time_is_refused(asked: Callable[..., SignatureRequest], shift: timedelta, status: int) -> None:
    asked()
    message = clicksign(ADA)
    message["event"]["occurred_at"] = (timezone.now() + shift).isoformat()

    assert deliver(message) == status


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"[]", 400), (b"{}", 400), (b'{"event": 3}', 400), (b"[" * 100_000, 400), (b" " * (2**20 + 1), 413)],
)
def test_what_is_signed_and_means_nothing_is_refused(asked: Callable[..., SignatureRequest], body: bytes, status: int) -> None:
    assert deliver(body) == status


def test_there_is_no_other_provider() -> None:
    assert deliver(clicksign(ADA), "docusign") == 404


def test_documents_that_this_site_did_not_make_are_nobodys(asked: Callable[..., SignatureRequest]) -> None:
    request = asked()

    others = [
        deliver(clicksign(ADA, envelope_id="other", metadata={"request": "crm-7"})),
        deliver(clicksign(ADA, envelope_id="")),
    ]

    assert others == [200, 200]
    assert (set(request.signers_status.values()), ProviderEvent.objects.count()) == ({"pending"}, 0)


def test_one_that_comes_before_its_id_is_stored_is_found_by_ours(asked: Callable[..., SignatureRequest]) -> None:
    request = asked("zapsign")
    PeopleRequest.objects.update(provider_ref="")

    deliver(zapsign("signed", "new", external_id=str(request.pk)), "zapsign")

    assert request.signers_status == {ADA: "signed", BOB: "pending"}


def test_zapsign_says_where_all_stand_and_sends_the_key_itself(asked: Callable[..., SignatureRequest]) -> None:
    request = asked("zapsign")

    statuses = [
        deliver(zapsign("signed", "link-opened"), "zapsign", key="none", **{"X-Webhook-Key": NEW}),
        deliver(zapsign("signed", "signed"), "zapsign", key="none", **{"X-Webhook-Key": OLD}),
    ]

    request.refresh_from_db()
    assert (statuses, request.status, signals()) == ([200, 200], "signed", [("signature_update", "signed")])


def test_a_late_message_is_noted_and_changes_nothing(asked: Callable[..., SignatureRequest], execution: Execution) -> None:
    request = asked(status="expired")
    message = json.dumps(clicksign(ADA)).encode()

    assert [deliver(message) for _ in range(2)] == [200, 200]

    request.refresh_from_db()
    assert (request.status, set(request.signers_status.values()), signals()) == ("expired", {"pending"}, [])
    assert execution.events.get(action="too-late").reason == "The contract: clicksign wrote when it was expired"


def test_a_service_signs_for_its_own_requests_alone(asked: Callable[..., SignatureRequest]) -> None:
    request = asked("zapsign")

    deliver(clicksign(ADA, metadata={"request": str(request.pk)}))

    assert set(request.signers_status.values()) == {"pending"}
