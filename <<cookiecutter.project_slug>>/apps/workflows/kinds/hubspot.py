"""Kinds that a workflow begins with when another system started it: they say what that sent, HubSpot's also what it knows."""

import re
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings

from apps.workflows.kinds.base import KindConfig, StepContext, StepError, Text, register
from apps.workflows.kinds.flow import TriggerKind
from apps.workflows.kinds.outside import ask

# As the source of an execution is called, and as HubSpot's API is asked for it.
TYPES = {"deal": "deals", "contact": "contacts", "company": "companies", "ticket": "tickets", "product": "products"}
TYPE = re.compile(r"[A-Za-z0-9_-]{1,100}")


class SentKind(TriggerKind):
    """A beginning that gives what was sent."""

    def run(self, config: Any, step: StepContext) -> Any:
        """The values, or all that was sent, or the input."""
        return config.values or step.context["trigger"]["data"] or dict(step.context["input"])


@register
class WebhookKind(SentKind):
    """Begin with what a webhook brought."""

    name = "webhook"
    title = "Webhook"


@register
class GoogleFormsKind(SentKind):
    """Begin with the answers to a Google form."""

    name = "google-forms"
    title = "Google form"


@register
class HubSpotKind(TriggerKind):
    """Begin with an object of HubSpot, such as a deal, as it is there now."""

    name = "hubspot"
    title = "HubSpot"

    class Config(KindConfig):
        """`properties` are the names of those that are wanted; HubSpot gives its usual ones where it is empty."""

        object_type: Text = "{{ source.type }}"
        object_id: Text = "{{ source.id }}"
        properties: list[str] = []

    def run(self, config: Any, step: StepContext) -> dict[str, Any]:
        """Fetch it. Raises StepError where HubSpot is not set up or knows no such object."""
        if not settings.HUBSPOT["token"]:
            raise StepError("HubSpot is not set up: give HUBSPOT_TOKEN in the settings")
        kind, key = str(config.object_type), str(config.object_id)
        if not TYPE.fullmatch(kind) or not key:
            raise StepError(f"{kind!r} {key!r} is no object of HubSpot: start it with the type and the id of one")
        query = f"?{urlencode({'properties': ','.join(config.properties)})}" if config.properties else ""
        url = f"{settings.HUBSPOT['url']}/crm/v3/objects/{TYPES.get(kind.lower(), kind)}/{quote(key, safe='')}{query}"
        found = ask("GET", url, token=settings.HUBSPOT["token"]).json()
        return {"id": found["id"], "type": kind, "properties": found.get("properties", {})}
