"""ClickSign: https://developers.clicksign.com. An envelope is a draft until it is activated; then it writes to the signers."""

from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings

from apps.approvals.models import Attachment, PeopleRequest
from apps.approvals.providers.base import Envelope, Said, call, has_hmac
from apps.approvals.shared import DECLINED, SIGNED

SAYS = {"sign": SIGNED, "refusal": DECLINED}


class ClickSign:
    """Calls the API of envelopes, and reads the webhooks of documents."""

    name: ClassVar[str] = "clicksign"
    mails_itself: ClassVar[bool] = True

    def prepare(self, request: PeopleRequest) -> Envelope:
        """A draft: one that is left behind by a retry asks nobody."""
        attributes = {"name": request.title, "deadline_at": request.expires_at.isoformat(), "auto_close": True}
        envelope = _create("envelopes", "envelopes", attributes)
        documents = [self._upload(envelope, request, document) for document in request.attachments.all()]
        for person in request.people.deciding():
            signer = _create(f"envelopes/{envelope}/signers", "signers", {"name": person.email, "email": person.email})
            for document in documents:
                _require(envelope, document, signer, {"action": "agree", "role": "sign"})
                _require(envelope, document, signer, {"action": "provide_evidence", "auth": "email"})
        return Envelope(ref=envelope)

    def begin(self, request: PeopleRequest) -> None:
        """Activate the envelope."""
        _set_status(request, "running")
        _create(f"envelopes/{request.provider_ref}/notifications", "notifications", {"message": request.message or request.title})

    def withdraw(self, request: PeopleRequest) -> None:
        """Cancel the envelope."""
        _set_status(request, "canceled")

    def is_signed(self, headers: Mapping[str, str], body: bytes, key: str) -> bool:
        """By an HMAC of the body."""
        return has_hmac(headers, body, key)

    def read(self, message: Any) -> Said:
        """The event, and our id that the document carries."""
        event, document = message["event"], message["document"]
        data = event.get("data") or {}
        signer = data.get("signer") or {}
        status = SAYS.get(event["name"])
        return Said(
            at=datetime.fromisoformat(event["occurred_at"]),
            ref=document.get("envelope_id") or document["key"],
            request_id=(document.get("metadata") or {}).get("request", ""),
            signers={signer["email"].lower(): status} if status else {},
        )

    def _upload(self, envelope: str, request: PeopleRequest, document: Attachment) -> str:
        content = f"data:{document.media_type};base64,{b64encode(document.content).decode()}"
        attributes = {"filename": document.name, "content_base64": content, "metadata": {"request": str(request.pk)}}
        return _create(f"envelopes/{envelope}/documents", "documents", attributes)


def _set_status(request: PeopleRequest, status: str) -> None:
    data = {"id": request.provider_ref, "type": "envelopes", "attributes": {"status": status}}
    _call("PATCH", f"envelopes/{request.provider_ref}", data)


def _require(envelope: str, document: str, signer: str, attributes: dict[str, str]) -> None:
    relationships = {
        "document": {"data": {"type": "documents", "id": document}},
        "signer": {"data": {"type": "signers", "id": signer}},
    }
    data = {"type": "requirements", "attributes": attributes, "relationships": relationships}
    _call("POST", f"envelopes/{envelope}/requirements", data)


def _create(path: str, kind: str, attributes: dict[str, Any]) -> str:
    answer = _call("POST", path, {"type": kind, "attributes": attributes})
    return str(answer["data"]["id"])


def _call(method: str, path: str, data: dict[str, Any]) -> Any:
    options = settings.SIGNATURE_PROVIDERS[ClickSign.name]
    headers = {"Authorization": options["token"], "Content-Type": "application/vnd.api+json"}
    return call(method, f"{options['url']}/{path}", headers=headers, content={"data": data})
