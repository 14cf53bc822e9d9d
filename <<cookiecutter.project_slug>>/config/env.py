"""Reads the environment for the settings. A value that cannot be read stops the start and is named."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

SWITCH = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
MAIL_BACKENDS = {"smtp": "smtp", "smtp+tls": "smtp", "smtp+ssl": "smtp", "file": "filebased", "console": "console"}
DATABASE_ENGINES = {"django.db.backends.sqlite3", "django.db.backends.postgresql"}


class Env(environ.Env):
    """django-environ, strict.

    The library takes DEBUG=maybe for False and 1,5 for 1.5, and fails on TIMEOUT=soon without saying which variable.
    """

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

    def database(self, name: str, *, default: str) -> dict[str, Any]:
        """A Django database from a URL, SQLite or PostgreSQL. Raises ImproperlyConfigured for any other."""
        try:
            database = self.db_url_config(self.str(name, default=default))
        except ValueError as error:
            raise ImproperlyConfigured(f"{name} cannot be read ({error}): write postgres://user:password@host:5432/name.") from None
        if database.get("ENGINE") not in DATABASE_ENGINES or not database["NAME"]:
            raise ImproperlyConfigured(f"{name} names no database: write postgres://user:password@host:5432/name or sqlite:///path.")
        return database

    def mailer(self, name: str, *, default: str) -> dict[str, Any]:
        """A Django mailer from a URL: smtp://, smtp+tls://, smtp+ssl://user:password@host:port, file:///folder, console://."""
        url = urlsplit(self.str(name, default=default))
        if url.scheme not in MAIL_BACKENDS or (url.scheme.startswith("smtp") and not url.hostname):
            raise ImproperlyConfigured(f"{name} names no mail server: write smtp+tls://user:password@host:587, file:///folder or console://.")
        mailer: dict[str, Any] = {"BACKEND": f"django.core.mail.backends.{MAIL_BACKENDS[url.scheme]}.EmailBackend"}
        if url.scheme == "file":
            mailer["OPTIONS"] = {"file_path": str(Path(unquote(url.path)))}
        elif url.scheme.startswith("smtp"):
            mailer["OPTIONS"] = {
                "host": url.hostname,
                "port": url.port or {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}[url.scheme],
                "username": unquote(url.username or ""),
                "password": unquote(url.password or ""),
                "use_tls": url.scheme == "smtp+tls",
                "use_ssl": url.scheme == "smtp+ssl",
                "timeout": 20,
            }
        return mailer
