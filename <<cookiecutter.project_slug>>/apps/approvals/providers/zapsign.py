"""ZapSign: https://docs.zapsign.com.br. It gives each signer an address, to which this site leads: nobody is asked twice."""

import hmac
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings

from apps.approvals.models import PeopleRequest
from apps.approvals.providers.base import Envelope, ProviderRefused, Said, call, has_hmac
from apps.approvals.shared import DECLINED, SIGNED

SAYS = {"signed": SIGNED, "refused": DECLINED}
PDF, WORD = "application/pdf", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
FIELDS = {PDF: "base64_pdf", WORD: "base64_docx"}


class ZapSign:
    """Calls the API of documents, and reads their webhooks."""

    name: ClassVar[str] = "zapsign"
    mails_itself: ClassVar[bool] = False

    def prepare(self, request: PeopleRequest) -> Envelope:
        """A document with its signers, to whom it does not write."""
        documents = list(request.attachments.all())
        if len(documents) != 1 or documents[0].media_type not in FIELDS:
            raise ProviderRefused("ZapSign takes one document, a PDF or a Word file")
        content = {
            "name": request.title,
            FIELDS[documents[0].media_type]: b64encode(documents[0].content).decode(),
            "external_id": str(request.pk),
            "date_limit_to_sign": request.expires_at.isoformat(),
            "signers": [
                {"name": person.email, "email": person.email, "send_automatic_email": False}
                for person in request.people.deciding()
            ],
        }
        answer = _call("POST", "docs/", content)
        urls = {signer["email"].lower(): signer["sign_url"] for signer in answer["signers"]}
        return Envelope(ref=answer["token"], urls=urls)

    def begin(self, request: PeopleRequest) -> None:
        """The site's own mails do it."""

    def withdraw(self, request: PeopleRequest) -> None:
        """Delete the document: it stays in the account's bin."""
        _call("DELETE", f"docs/{request.provider_ref}/")

    def is_signed(self, headers: Mapping[str, str], body: bytes, key: str) -> bool:
        """By a header that the owner of the account has set, as ZapSign signs nothing; by an HMAC where a gateway makes one."""
        given = headers.get("X-Webhook-Key", "")
        return hmac.compare_digest(given.encode(), key.encode()) or has_hmac(headers, body, key)

    def read(self, message: Any) -> Said:
        """Where every signer stands."""
        stands = {signer["email"].lower(): SAYS.get(signer["status"]) for signer in message["signers"]}
        return Said(
            at=datetime.fromisoformat(message["last_update_at"]),
            ref=message["token"],
            request_id=message.get("external_id") or "",
            signers={email: status for email, status in stands.items() if status},
        )


def _call(method: str, path: str, content: Any = None) -> Any:
    options = settings.SIGNATURE_PROVIDERS[ZapSign.name]
    return call(method, f"{options['url']}/{path}", headers={"Authorization": f"Bearer {options['token']}"}, content=content)
