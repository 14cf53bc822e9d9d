"""Where what a trigger takes is sent, and with which key: shown to those who may change it."""

from django.conf import settings
from django.urls import reverse

from apps.triggers import keys, kinds
from apps.triggers.models import Trigger


def of(trigger: Trigger) -> str:
    """The address of its webhook, its form or its mails; empty for what has none, and for mails where none are received."""
    if kinds.find(trigger.kind).signs:
        return f"{settings.SITE_URL}/api/v1/webhooks/triggers/{trigger.pk}"
    match trigger.kind:
        case "form":
            return settings.SITE_URL + reverse("triggers:form", args=[keys.token(trigger)])
        case "email" if settings.INBOUND_MAIL_DOMAIN:
            return f"{keys.token(trigger)}@{settings.INBOUND_MAIL_DOMAIN}"
    return ""


def key_of(trigger: Trigger) -> str:
    """What its senders sign with, empty where they sign with nothing, or with a key that is not the trigger's."""
    return keys.signing_key(trigger) if kinds.find(trigger.kind).signs == "standard" else ""
