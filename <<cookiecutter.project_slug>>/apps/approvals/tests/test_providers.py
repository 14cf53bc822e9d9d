"""Services that take signatures: asked once, whatever fails in between."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from apps.approvals import asking, links, services
from apps.approvals.asking import CannotAsk, Document
from apps.approvals.models import PeopleRequest
from apps.approvals.providers import known
from apps.approvals.providers.base import ProviderFailed
from apps.approvals.services import ProviderUpdate
from apps.approvals.tasks import tell_person, withdraw
from apps.approvals.tests.conftest import ADA, BOB
from apps.approvals.tests.provider import Provider, provider
from apps.executions import projection
from apps.executions.models import Execution
from apps.temporal.models import OutboxMessage
from apps.users.models import User

pytestmark = pytest.mark.django_db
type Ask = Callable[..., PeopleRequest]
WITHDRAWN = {"clicksign": "PATCH /envelopes/envelopes-1", "zapsign": "DELETE /docs/zap-1/"}
PDF = Document(name="contract.pdf", media_type="application/pdf", content=b"%PDF-1.7")


@pytest.fixture
def service(settings: Settings) -> Iterator[Provider]:
    with provider() as running:
        settings.SIGNATURE_PROVIDERS = {
            name: {"url": running.url, "token": "secret-token", "webhook_keys": ["k"]} for name in ("clicksign", "zapsign")
        }
        yield running


def ask_by(ask: Ask, name: str, **more: Any) -> PeopleRequest:
    return ask(ADA, BOB, kind="signature", provider=name, quorum="all", may_delegate=False, **{"documents": [PDF], **more})


def mails() -> int:
    return OutboxMessage.objects.filter(kind="activity", payload__task="apps.approvals.tasks.tell_person").count()


def test_clicksign_gets_an_envelope_and_writes_itself(ask: Ask, service: Provider) -> None:
    request = ask_by(ask, "clicksign", message="Please sign page 3.")

    assert request.provider_ref == "envelopes-1"
    assert service.paths() == [
        "POST /envelopes",
        "POST /envelopes/envelopes-1/documents",
        *["POST /envelopes/envelopes-1/signers", *["POST /envelopes/envelopes-1/requirements"] * 2] * 2,
        "PATCH /envelopes/envelopes-1",
        "POST /envelopes/envelopes-1/notifications",
    ]
    assert {headers["Authorization"] for _, _, headers, _ in service.calls} == {"secret-token"}
    uploaded = service.calls[1][3]["data"]["attributes"]
    assert uploaded["content_base64"] == f"data:application/pdf;base64,{b64encode(PDF.content).decode()}"
    assert uploaded["metadata"] == {"request": str(request.pk)}
    assert [call[3]["data"]["attributes"]["email"] for call in service.calls if call[1].endswith("signers")] == [ADA, BOB]
    assert service.calls[-2][3]["data"]["attributes"] == {"status": "running"}
    assert mails() == 0


def test_zapsign_gets_a_document_and_this_site_leads_to_it(ask: Ask, service: Provider) -> None:
    request = ask_by(ask, "zapsign")

    ((_, path, headers, content),) = service.calls
    assert (path, headers["Authorization"], content["external_id"]) == ("/docs/", "Bearer secret-token", str(request.pk))
    assert [each["send_automatic_email"] for each in content["signers"]] == [False, False]
    assert (request.provider_ref, mails()) == ("zap-1", 2)
    ada = request.people.get(email=ADA)
    assert tell_person.func(str(ada.pk))
    page = Client().get(f"/approvals/link/{links.token_of(ada)}/").content.decode()
    assert f'href="https://app.example.com/verificar/{ADA}"' in page
    assert 'name="signed_name"' not in page


@pytest.mark.parametrize("name", ["clicksign", "zapsign"])
def test_a_repeated_activity_asks_the_service_once(ask: Ask, service: Provider, name: str) -> None:
    first = ask_by(ask, name)
    asked, told = len(service.calls), mails()

    assert ask_by(ask, name) == first
    assert (len(service.calls), mails()) == (asked, told)


def test_after_a_failure_it_goes_on_with_the_same_envelope(ask: Ask, service: Provider) -> None:
    service.failures = [201] * 8 + [503]
    with pytest.raises(ProviderFailed):
        ask_by(ask, "clicksign")
    before = service.paths()

    ask_by(ask, "clicksign")

    assert before[-1] == "PATCH /envelopes/envelopes-1"
    assert service.paths()[len(before) :] == ["PATCH /envelopes/envelopes-1", "POST /envelopes/envelopes-1/notifications"]
    assert PeopleRequest.objects.get().handed_over_at


@pytest.mark.parametrize(("status", "error"), [(422, CannotAsk), (401, CannotAsk), (429, ProviderFailed), (500, ProviderFailed)])
def test_what_no_repetition_cures_is_told_apart(ask: Ask, service: Provider, status: int, error: type[Exception]) -> None:
    service.failures = [status]

    with pytest.raises(error, match=str(status)):
        ask_by(ask, "zapsign")


@pytest.mark.parametrize("name", WITHDRAWN)
@pytest.mark.parametrize("end", ["expired", "canceled", "signed"])
def test_what_is_over_is_withdrawn_and_what_is_signed_is_not(
    ask: Ask, service: Provider, execution: Execution, name: str, end: str
) -> None:
    request = ask_by(ask, name)

    match end:
        case "expired":
            asking.expire(str(request.pk))
        case "canceled":
            projection.change(projection.locked(execution), "canceled", "cancel", by="user")
        case "signed":
            signed = ProviderUpdate(event_id="1", ref=request.provider_ref, signers={ADA: "signed", BOB: "signed"})
            services.record_update(name, signed)

    told = OutboxMessage.objects.filter(payload__task="apps.approvals.tasks.withdraw")
    assert [message.payload["args"] for message in told] == ([] if end == "signed" else [[str(request.pk)]])
    before = len(service.calls)
    assert withdraw.func(str(request.pk))
    assert service.paths()[before:] == [WITHDRAWN[name]]
    service.failures = [404]
    assert not withdraw.func(str(request.pk))


@pytest.mark.parametrize(("at", "withdrawn"), [("prepare", 0), ("begin", 1)])
def test_what_is_stopped_while_a_service_is_told_is_withdrawn_there(
    ask: Ask, service: Provider, monkeypatch: pytest.MonkeyPatch, at: str, withdrawn: int
) -> None:
    provider = known.PROVIDERS["clicksign"]
    tell = getattr(provider, at)

    def stopped_meanwhile(request: PeopleRequest) -> Any:
        told = tell(request)
        projection.change(projection.locked(request.execution), "canceled", "cancel", by="user")
        return told

    monkeypatch.setattr(provider, at, stopped_meanwhile)

    request = ask_by(ask, "clicksign")

    notified = "POST /envelopes/envelopes-1/notifications" in service.paths()
    assert (request.status, notified) == ("canceled", bool(withdrawn))
    assert OutboxMessage.objects.filter(payload__task="apps.approvals.tasks.withdraw").count() == withdrawn


def test_an_attempt_that_a_later_one_has_overtaken_goes_on_with_its_envelope(
    ask: Ask, service: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = known.PROVIDERS["clicksign"]
    prepare = provider.prepare

    def overtaken(request: PeopleRequest) -> Any:
        told = prepare(request)
        monkeypatch.setattr(provider, "prepare", prepare)
        ask_by(ask, "clicksign")
        return told

    monkeypatch.setattr(provider, "prepare", overtaken)

    assert ask_by(ask, "clicksign").provider_ref == "envelopes-2"

    assert [path for path in service.paths() if path.startswith("PATCH") or path.endswith("/notifications")] == [
        "PATCH /envelopes/envelopes-2",
        "POST /envelopes/envelopes-2/notifications",
    ]


def test_a_service_takes_the_signatures_of_all(ask: Ask, service: Provider) -> None:
    with pytest.raises(CannotAsk, match="clicksign takes the signatures of all"):
        ask(ADA, BOB, kind="signature", provider="clicksign", quorum="any", documents=[PDF])


def test_a_service_without_a_token_is_off(ask: Ask, settings: Settings) -> None:
    settings.SIGNATURE_PROVIDERS["clicksign"]["token"] = ""

    with pytest.raises(CannotAsk, match="clicksign is not set up"):
        ask_by(ask, "clicksign")


def test_zapsign_takes_one_document(ask: Ask, service: Provider) -> None:
    with pytest.raises(CannotAsk, match="one document"):
        ask_by(ask, "zapsign", documents=[])


def test_a_signature_is_not_given_by_a_decision(ask: Ask) -> None:
    token = links.token_of(ask(kind="signature").people.get())

    answer = Client().post(f"/api/v1/approvals/{token}/decision", {"decision": "approved"}, "application/json")

    assert (answer.status_code, asking.output_of(str(PeopleRequest.objects.get().pk))["status"]) == (400, "pending")


@pytest.mark.parametrize("name", ["clicksign", "zapsign"])
@pytest.mark.parametrize("decision", ["signed", "declined"])
def test_what_a_service_signs_is_not_answered_past_it(ask: Ask, service: Provider, name: str, decision: str) -> None:
    request = ask_by(ask, name)
    ada, client = request.people.get(email=ADA), Client()
    client.force_login(User.objects.create_user(email=ADA))
    given = {"decision": decision, "signed_name": "Ada Lovelace", "consent": "on"}

    pages = [client.post(f"/approvals/link/{links.token_of(ada)}/", given), client.post(f"/approvals/{ada.pk}/", given)]
    by_token = client.post(f"/api/v1/approvals/{links.token_of(ada)}/decision", given, "application/json")

    assert [(page.status_code, "sign or decline there" in page.content.decode()) for page in pages] == [(400, True)] * 2
    assert by_token.status_code == 400
    assert set(request.people.values_list("status", flat=True)) == {"pending"}
    services.record_update(name, ProviderUpdate(event_id="1", ref=request.provider_ref, signers={ADA: decision}))
    ada.refresh_from_db()
    assert ada.status == decision
