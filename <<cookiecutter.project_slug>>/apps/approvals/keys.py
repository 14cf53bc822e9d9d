"""Keys that are made of the site's own, so that they are stored nowhere."""

from django.conf import settings
from django.utils.crypto import salted_hmac


def derived_keys(salt: str, value: str) -> list[bytes]:
    """256 bits of the site's secret key, then those of the keys before it, which still count for what was given away."""
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [salted_hmac(salt, value, secret=secret, algorithm="sha256").digest() for secret in secrets]
