"""Reads the environment for the settings. A value that cannot be read stops the start and is named."""

import binascii
import re
from base64 import b64decode
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

SWITCH = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
MAIL_BACKENDS = {"smtp": "smtp", "smtp+tls": "smtp", "smtp+ssl": "smtp", "file": "filebased", "console": "console"}
MAIL_PORTS = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}
DATABASES = ("sqlite:///", "postgres://", "postgresql://")
SECRET_LENGTH = 50
SECRET_EXAMPLE = "what `python -c 'import secrets; print(secrets.token_urlsafe(50))'` prints"  # noqa: S105  says how to make one
KEY_BYTES = 32
KEY_EXAMPLE = "what `python -c 'import base64, secrets; print(base64.b64encode(secrets.token_bytes(32)).decode())'` prints"


class Form(NamedTuple):
    """What a text must look like, and an example for those who got it wrong."""

    pattern: str
    example: str


DOMAIN = Form(r"[a-z0-9-]+(\.[a-z0-9-]+)*", "shop.example.com")
HOST = Form(r"\*|\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]", "shop.example.com,localhost")
ORIGIN = Form(r"https?://[^/\s]+", "https://shop.example.com")
WEB_ADDRESS = Form(r"https?://\S+", "https://temporal.example.com")
COLLECTOR = Form(r"(https?://\S+)?", "http://collector.example.com:4318")
SENTRY = Form(r"(https?://[^@\s]+@\S+/\d+)?", "https://key@sentry.example.com/1")
RECIPIENT = Form(r"[^@<>\s]+@[^@<>\s]+", "ops@example.com")
ADDRESS = Form(r"[^@<>\s]+@[^@<>\s]+|[^<>\r\n]*<[^@<>\s]+@[^@<>\s]+>", "Shop <noreply@example.com>")
TENANT = Form(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", "acme,globex")
LEVEL = Form(r"(?i:DEBUG|INFO|WARNING|ERROR|CRITICAL)", "INFO")


class Env(environ.Env):
    """django-environ, strict.

    The library takes DEBUG=maybe for False and 1,5 for 1.5, and fails on TIMEOUT=soon without saying which variable.
    """

    def text(self, name: str, form: Form, *, default: str) -> str:
        """A text of the given form. Raises ImproperlyConfigured for any other."""
        return _of_form(name, self.str(name).strip(), form) if name in self.ENVIRON else default

    def texts(self, name: str, form: Form, *, default: list[str]) -> list[str]:
        """Texts of the given form, separated by commas. Raises ImproperlyConfigured when one is not."""
        return [_of_form(name, value.strip(), form) for value in self.list(name)] if name in self.ENVIRON else default

    def secret(self, name: str) -> str:
        """A secret, which has no default. Raises ImproperlyConfigured when it is missing or short."""
        # Not self.str: that takes a leading dollar sign for the name of another variable.
        value = self.ENVIRON.get(name, "")
        if len(value) < SECRET_LENGTH:
            raise ImproperlyConfigured(f"{name} is missing or shorter than {SECRET_LENGTH} characters: write {SECRET_EXAMPLE}.")
        return value

    def keys(self, name: str) -> dict[str, bytes]:
        """AES keys by id, written ID:KEY,ID:KEY; `off` in front of them is an id without a key. None without the variable.

        Raises ImproperlyConfigured for any other form, and never says the key itself.
        """
        keys: dict[str, bytes] = {}
        for place, entry in enumerate(filter(None, map(str.strip, self.ENVIRON.get(name, "").split(",")))):
            key_id, _, written = entry.partition(":")
            try:
                key = b64decode(written, validate=True)
            except binascii.Error:
                key = b""
            is_off = entry == "off" and place == 0
            if not (is_off or (len(key) == KEY_BYTES and re.fullmatch(r"[\w.-]+", key_id))) or key_id in keys:
                raise ImproperlyConfigured(
                    f"{name} cannot be used, entry {place + 1}: write ID:KEY,ID:KEY, each id once, each key {KEY_EXAMPLE}."
                )
            keys[key_id] = key
        return keys

    def switch(self, name: str, *, default: bool) -> bool:
        """A boolean. Raises ImproperlyConfigured for anything but true, false, yes, no, on, off, 1, 0."""
        raw = self.str(name, default=str(default)).strip().lower()
        if raw not in SWITCH:
            raise ImproperlyConfigured(f"{name}={raw!r} is not a switch: write true or false.")
        return SWITCH[raw]

    def number(self, name: str, *, default: float, minimum: float = 0) -> float:
        """A number, at least `minimum`. Raises ImproperlyConfigured otherwise."""
        raw = self.str(name, default=str(default))
        try:
            value = float(raw)
        except ValueError:
            value = float("nan")
        if not minimum <= value < float("inf"):
            raise ImproperlyConfigured(f"{name}={raw!r} is not a number of at least {minimum:g}: write for example {default:g}.")
        return value

    def whole(self, name: str, *, default: int, minimum: int = 1) -> int:
        """A whole number, at least `minimum`. Raises ImproperlyConfigured otherwise."""
        value = self.number(name, default=default, minimum=minimum)
        if value != int(value):
            raise ImproperlyConfigured(f"{name}={value!r} is not a whole number: write for example {default}.")
        return int(value)

    def bind_address(self, name: str) -> str:
        """IP:port to listen on, nothing where the variable is not set. Raises ImproperlyConfigured for anything else."""
        value = self.str(name, default="").strip()
        host, _, port = value.rpartition(":")
        try:
            usable = not value or (bool(ip_address(host.strip("[]"))) and 0 < int(port) < 2**16)
        except ValueError:
            usable = False
        if not usable:
            raise ImproperlyConfigured(f"{name}={value!r} is no address to listen on: write for example 0.0.0.0:9090.")
        return value

    def database(self, name: str, *, default: str) -> dict[str, Any]:
        """A Django database from a URL, SQLite or PostgreSQL. Raises ImproperlyConfigured for any other."""
        url = self.str(name, default=default)
        try:
            database: dict[str, Any] = self.db_url_config(url) if url.startswith(DATABASES) else {}
        except ValueError:
            database = {}
        # A database in memory would be another one for each thread.
        if database.get("NAME", "") in {"", ":memory:"}:
            raise ImproperlyConfigured(
                f"{name} names no database: write postgres://user:password@host:5432/name or sqlite:////path."
            )
        return database

    def mailer(self, name: str, *, default: str) -> dict[str, Any]:
        """A Django mailer from a URL: smtp://, smtp+tls://, smtp+ssl://user:password@host:port,
        mailersend://token, file:///folder, console://.

        Raises ImproperlyConfigured for any other.
        """
        try:
            url = urlsplit(self.str(name, default=default))
            scheme, host, port = url.scheme, url.hostname, url.port
        except ValueError:
            scheme, host, port = "", None, None
        if scheme == "mailersend" and host:
            # Not the host name, which is in lower case.
            return {"BACKEND": "anymail.backends.mailersend.EmailBackend", "OPTIONS": {"api_token": unquote(url.netloc)}}
        if scheme not in MAIL_BACKENDS or (scheme in MAIL_PORTS and not host) or (scheme == "file" and (host or not url.path)):
            raise ImproperlyConfigured(
                f"{name} names no mail server: write smtp+tls://user:password@host:587, mailersend://token, file:///folder "
                "or console://."
            )
        mailer: dict[str, Any] = {"BACKEND": f"django.core.mail.backends.{MAIL_BACKENDS[scheme]}.EmailBackend"}
        if scheme == "file":
            mailer["OPTIONS"] = {"file_path": str(Path(unquote(url.path)))}
        elif scheme in MAIL_PORTS:
            mailer["OPTIONS"] = {
                "host": host,
                "port": port or MAIL_PORTS[scheme],
                "username": unquote(url.username or ""),
                "password": unquote(url.password or ""),
                "use_tls": scheme == "smtp+tls",
                "use_ssl": scheme == "smtp+ssl",
                "timeout": 20,
            }
        return mailer


def _of_form(name: str, value: str, form: Form) -> str:
    if not re.fullmatch(form.pattern, value):
        raise ImproperlyConfigured(f"{name}={value!r} cannot be used: write for example {form.example}.")
    return value
