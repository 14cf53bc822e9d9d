"""What workflows that people define have to do with other services. Read by base.py, as if it stood there."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from config.env import DOMAIN, WEB_ADDRESS, Env

env = Env()


def tokens(entries: list[str]) -> dict[str, str]:
    """Tokens by host, of entries HOST=TOKEN. Raises ImproperlyConfigured for any other form, and never says a token."""
    pairs = [entry.strip().partition("=") for entry in entries]
    if not all(host and token for host, _, token in pairs):
        raise ImproperlyConfigured(
            "WORKFLOW_HTTP_TOKENS cannot be used: write for example api.example.com=TOKEN,crm.example.com=TOKEN."
        )
    return {host.lower(): token for host, _, token in pairs}


# UPLOADS
# ------------------------------------------------------------------------------
# https://docs.djangoproject.com/en/6.1/ref/settings/#data-upload-max-memory-size
# In bytes of a body. A template of 5 MiB has 7 MB as the API takes it, in Base64, and mail services send a mail with its
# attachments as JSON. Signed webhooks have bounds of their own: a megabyte.
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 2**20

# SIGNATURES
# ------------------------------------------------------------------------------
# Services that take signatures, each off until it has a token. Any of its webhook keys signs what it sends: while one is
# replaced, both are live. docs/workflows.md
SIGNATURE_PROVIDERS: dict[str, Any] = {
    "clicksign": {
        "url": env.text("CLICKSIGN_URL", WEB_ADDRESS, default="https://app.clicksign.com/api/v3"),
        "token": env.str("CLICKSIGN_TOKEN", default=""),
        "webhook_keys": env.list("CLICKSIGN_WEBHOOK_KEYS", default=[]),
    },
    "zapsign": {
        "url": env.text("ZAPSIGN_URL", WEB_ADDRESS, default="https://api.zapsign.com.br/api/v1"),
        "token": env.str("ZAPSIGN_TOKEN", default=""),
        "webhook_keys": env.list("ZAPSIGN_WEBHOOK_KEYS", default=[]),
    },
}

# CONNECTIONS
# ------------------------------------------------------------------------------
# What steps sign in with, so that no definition has it: bearer tokens by the host that gets them, a private app of HubSpot, the
# key file of a service account at Google. docs/workflows.md
WORKFLOW_HTTP_TOKENS: dict[str, str] = tokens(env.list("WORKFLOW_HTTP_TOKENS", default=[]))
HUBSPOT = {
    "url": env.text("HUBSPOT_URL", WEB_ADDRESS, default="https://api.hubapi.com"),
    "token": env.str("HUBSPOT_TOKEN", default=""),
}
GOOGLE = {
    "key_file": env.str("GOOGLE_KEY_FILE", default=""),
    "drive": "https://www.googleapis.com/drive/v3",
    "docs": "https://docs.googleapis.com/v1",
    "slides": "https://slides.googleapis.com/v1",
}

# TRIGGERS
# ------------------------------------------------------------------------------
# The client secrets of HubSpot apps: what they send is signed with one of them. docs/workflows.md
HUBSPOT_WEBHOOK_KEYS = env.list("HUBSPOT_WEBHOOK_KEYS", default=[])
# Where mails arrive that start workflows, and which service of https://anymail.dev/en/stable/esps/ hands them on. It signs in
# with one of the keys, each user:password; off without any.
INBOUND_MAIL_DOMAIN = env.text("INBOUND_MAIL_DOMAIN", DOMAIN, default="")
INBOUND_MAIL_SERVICE = env.str("INBOUND_MAIL_SERVICE", default="")
ANYMAIL: dict[str, Any] = {
    "WEBHOOK_SECRET": env.list("INBOUND_MAIL_KEYS", default=[]),
    "MAILERSEND_INBOUND_SECRET": env.str("MAILERSEND_INBOUND_SECRET", default=""),
}
