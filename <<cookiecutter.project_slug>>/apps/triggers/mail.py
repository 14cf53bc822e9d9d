"""Mails that arrive: anymail makes one signal of what each mail service sends, https://anymail.dev/en/stable/inbound/."""

import logging
from collections.abc import Iterator
from email.utils import parseaddr
from typing import Any
from uuid import uuid4

from django.db.models import Q

from apps.triggers import firing
from apps.triggers.kinds import Delivery
from apps.triggers.models import Trigger
from apps.users.services import digest

logger = logging.getLogger(__name__)
# In characters. Longer mails are cut: a step that needs the whole fetches it from the mailbox.
MAX_TEXT = 100_000


def receive(*, event: Any, **_: Any) -> None:
    """Receiver of anymail's inbound: fire the triggers that a mail was sent to."""
    message = event.message
    sender = parseaddr(str(message.get("From", "")))[1].lower()
    if str(message.get("Auto-Submitted", "no")).lower() != "no":
        # An answer of a machine to what a workflow has sent would go round for ever.
        logger.info("mail of a machine ignored")
        return
    for trigger in _triggers(message):
        if _is_welcome(sender, trigger.config.get("senders", [])):
            event_id = str(message.get("Message-ID") or event.event_id or uuid4())[:300]
            outcome = firing.fire(trigger, Delivery(event_id=event_id, data=_data(message, sender)))
            logger.info("mail received", extra={"trigger_id": str(trigger.pk), "status": outcome.status})


def _triggers(message: Any) -> Iterator[Trigger]:
    recipients = {str(message.envelope_recipient or "").lower()}
    recipients |= {each.addr_spec.lower() for each in (*message.to, *message.cc)}
    digests = {digest(local) for local, _, domain in (each.partition("@") for each in recipients) if domain and local}
    wanted = Q(token_digest__in=digests) | Q(previous_digest__in=digests)
    yield from Trigger.objects.filter(wanted, kind="email")


def _is_welcome(sender: str, senders: list[str]) -> bool:
    """The address is the sender's own word: it keeps strays out, not forgers. The trigger's own address is its secret."""
    named = [each.lower() for each in senders]
    return not named or any(sender.endswith(each) if each.startswith("@") else sender == each for each in named)


def _data(message: Any, sender: str) -> dict[str, Any]:
    return {
        "from": sender,
        "subject": str(message.subject or ""),
        "text": (message.text or "")[:MAX_TEXT],
        "html": (message.html or "")[:MAX_TEXT],
        "message_id": str(message.get("Message-ID", "")),
        "attachments": [
            {"name": part.get_filename() or "", "type": part.get_content_type(), "size": len(part.get_content_bytes())}
            for part in message.attachments
        ],
    }
