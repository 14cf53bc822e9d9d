"""The services that this project knows, by name, and the settings of each."""

from django.conf import settings

from apps.approvals.providers.base import Provider
from apps.approvals.providers.clicksign import ClickSign
from apps.approvals.providers.zapsign import ZapSign

PROVIDERS: dict[str, Provider] = {provider.name: provider for provider in (ClickSign(), ZapSign())}


def keys_of(provider: str) -> list[str]:
    """The live keys of its webhooks."""
    keys: list[str] = settings.SIGNATURE_PROVIDERS[provider]["webhook_keys"]
    return keys


def is_set_up(provider: str) -> bool:
    """Whether there is a token to call it with."""
    return bool(settings.SIGNATURE_PROVIDERS[provider]["token"])
