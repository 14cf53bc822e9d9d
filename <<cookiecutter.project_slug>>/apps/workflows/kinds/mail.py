"""Kinds that send mails, through the project's own mail settings, with documents of earlier steps."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field

from apps.executions.models import Execution
from apps.notifications import mails
from apps.workflows import documents
from apps.workflows.documents import NoDocument
from apps.workflows.kinds.base import TEMPLATE, Kind, KindConfig, StepContext, StepError, Text, Texts, register
from apps.workflows.kinds.reading import is_address, texts_in, wrong_addresses

MAX_RECIPIENTS = 100
MAX_SUBJECT = 255
# In bytes, of all documents of a mail together: mail servers take little more.
MAX_ATTACHED = 20 * 2**20
Body = Annotated[str, Field(min_length=1, json_schema_extra={"format": TEMPLATE, "rows": 8})]


@register
class EmailKind(Kind):
    """Send an e-mail to each of some addresses."""

    name = "email"
    title = "E-mail"
    family = "Messages"
    timeout = timedelta(minutes=2)
    # A mail server may be away for hours.
    attempts = 100
    first_retry = timedelta(seconds=10)

    class Config(KindConfig):
        """`to` are addresses; an expression may give one or a list. `attachments` are what steps gave: {{ steps.KEY.output }}."""

        to: Texts
        subject: Annotated[Text, Field(min_length=1)]
        body: Body
        attachments: Texts = []

    def check(self, config: Config) -> Iterator[str]:
        """Addresses that stand there must be some."""
        if not config.to:
            yield "Say who gets it."
        yield from wrong_addresses(config.to)

    def run(self, config: Config, step: StepContext) -> dict[str, Any]:
        """Send to each address once, however often the step is tried. Raises StepError for addresses that never take a mail."""
        recipients = _recipients(config.to)
        attached = _attached(config.attachments, step.execution_id)
        sent, refused = [], []
        for address in recipients:
            try:
                sent.append(self._send(address, config, attached, step.key))
            except mails.MailRefused:
                refused.append(address)
        if refused:
            raise StepError(f"the mail server refused the mail to {', '.join(refused)}")
        return {"status": "sent", "recipients": recipients, "repeated": not any(sent)}

    def _send(self, address: str, config: Config, attached: list[tuple[str, bytes, str]], key: str) -> bool:
        # A key has less room than an address may take.
        digest = hashlib.sha256(address.lower().encode()).hexdigest()[:32]
        return mails.send_once(
            key=f"{key}:{digest}",
            to=address,
            # A subject with a line break would be a header.
            subject=" ".join(str(config.subject).split())[:MAX_SUBJECT],
            body=str(config.body),
            attachments=attached,
        )


@register
class GmailKind(EmailKind):
    """Send an e-mail to each of some addresses, through the project's mail settings: those may be of Gmail."""

    name = "gmail"
    title = "Gmail"


@register
class OutlookKind(EmailKind):
    """Send an e-mail to each of some addresses, through the project's mail settings: those may be of Outlook."""

    name = "outlook"
    title = "Outlook"


def _recipients(people: Any) -> list[str]:
    found = list(dict.fromkeys(texts_in(people, "email")))
    if wrong := [address for address in found if not is_address(address)]:
        raise StepError(f"{wrong[0]!r} is no e-mail address")
    if not 1 <= len(found) <= MAX_RECIPIENTS:
        raise StepError(f"a mail goes to at least one address and at most {MAX_RECIPIENTS}, and here to {len(found)}")
    return found


def _attached(value: Any, execution_id: str) -> list[tuple[str, bytes, str]]:
    if not value:
        return []
    try:
        found = documents.documents_in(value, execution=Execution.objects.get(pk=execution_id))
    except NoDocument as error:
        raise StepError(str(error)) from error
    if sum(document.size for document in found) > MAX_ATTACHED:
        raise StepError(f"the documents have more than {MAX_ATTACHED // 2**20} MiB")
    return [(document.filename, bytes(document.content), document.media_type) for document in found]
