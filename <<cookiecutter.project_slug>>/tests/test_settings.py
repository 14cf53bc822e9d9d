"""What is read from the environment, and what is said when it cannot be read."""

import os
import re
import subprocess
import sys
from base64 import b64encode
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import pytest
from django.core.exceptions import ImproperlyConfigured

ROOT = Path(__file__).resolve().parents[1]
SECRET = "only-for-this-test-0123456789-abcdefghijklmnopqrstuvwxyz"
ENVIRONMENT = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings.production", "DJANGO_SECRET_KEY": SECRET}
KEY = b64encode(b"k" * 32).decode()

WRONG = [
    ("SITE_DOMAIN", "https://shop.example.com"),
    ("LOG_LEVEL", "loud"),
    ("DATABASE_URL", "mysql://root@localhost/shop"),
    ("DATABASE_URL", "postgres://localhost:port/shop"),
    ("DATABASE_URL", "postgres://localhost"),
    ("DATABASE_URL", "sqlite://db.sqlite3"),
    ("DATABASE_URL", "sqlite:///"),
    ("DATABASE_URL", ""),
    ("EMAIL_URL", "smtp+tls://"),
    ("EMAIL_URL", "smtp://localhost:port"),
    ("EMAIL_URL", "carrier-pigeon"),
    ("EMAIL_URL", "mailersend://"),
    ("EMAIL_URL", "file://"),
    ("EMAIL_URL", "file://var/mail"),
    ("DEFAULT_FROM_EMAIL", "noreply"),
    ("TEMPORAL_UI_URL", "localhost:8233"),
    ("TEMPORAL_ENCRYPTION_KEYS", "2026-01"),
    ("TEMPORAL_ENCRYPTION_KEYS", "2026-01:too-short"),
    ("TEMPORAL_ENCRYPTION_KEYS", f":{KEY}"),
    ("TEMPORAL_ENCRYPTION_KEYS", f"a:{KEY},a:{KEY}"),
    ("TEMPORAL_ENCRYPTION_KEYS", f"a:{KEY},off"),
    ("TEMPORAL_ENCRYPTION_KEYS", f"a:{KEY[:-4]}"),
    ("TEMPORAL_ACTIVITY_SLOTS", "0"),
    ("TEMPORAL_ACTIVITY_SLOTS", "1.5"),
    ("TEMPORAL_ACTIVITY_SLOTS", "many"),
    ("TEMPORAL_WORKER_MEMORY", "half"),
    ("TEMPORAL_DEDICATED_TENANTS", "two words"),
    ("TEMPORAL_OUTBOX_ATTEMPTS", "0"),
    ("TEMPORAL_OUTBOX_RETENTION", "a month"),
    ("TEMPORAL_SHUTDOWN_GRACE", "-1"),
    ("TEMPORAL_SHUTDOWN_GRACE", "nan"),
    ("TEMPORAL_METRICS_ADDRESS", "9090"),
    ("TEMPORAL_METRICS_ADDRESS", "localhost:9090"),
    ("TEMPORAL_PROBE_ADDRESS", "127.0.0.1:99999"),
    ("TEMPORAL_PROBE_ADDRESS", "127.0.0.1"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
    ("SENTRY_DSN", "sentry.example.com"),
    ("REPORT_RECIPIENTS", "nobody"),
    ("WEB_THREADS", "0"),
    ("WEBHOOK_ALLOW_INTERNAL", "perhaps"),
    ("ONBOARDING_FOLLOW_UP_DELAY", "a day"),
    ("DJANGO_SECRET_KEY", "short"),
    ("DJANGO_SECRET_KEY", ""),
    ("DJANGO_ALLOWED_HOSTS", "https://shop.example.com"),
    ("DJANGO_CSRF_TRUSTED_ORIGINS", "shop.example.com"),
    ("DJANGO_SECURE_SSL_REDIRECT", "maybe"),
    ("DJANGO_SECURE_HSTS_SECONDS", "-1"),
    ("DJANGO_TRUSTED_PROXIES", "all"),
    # % if cookiecutter.workflow_builder
    ("CLICKSIGN_URL", "clicksign"),
    ("ZAPSIGN_URL", "zapsign"),
    ("HUBSPOT_URL", "hubspot"),
    ("INBOUND_MAIL_DOMAIN", "https://in.example.com"),
    ("WORKFLOW_HTTP_TOKENS", "api.example.com"),
    # % endif
]


# Names of things on the other side, which the system checks judge.
WRONG_NAMES = [
    ("TEMPORAL_ADDRESS", "http://localhost:7233"),
    ("TEMPORAL_ADDRESS", "localhost"),
    ("TEMPORAL_NAMESPACE", ""),
    ("TEMPORAL_TASK_QUEUE", "two words"),
]


# What they may be is tested in apps/temporal/tests/test_checks.py, or a program's matter.
READ_ELSEWHERE = {
    "DJANGO_SETTINGS_MODULE",
    "TEMPORAL_API_KEY",
    "TEMPORAL_CLI",
    "TEMPORAL_CONFIG_FILE",
    "TEMPORAL_PROFILE",
    "TEMPORAL_TEST_SERVER",
    "TEMPORAL_TLS",
    "TEMPORAL_TLS_CLIENT_CERT_PATH",
    "TEMPORAL_TLS_CLIENT_KEY_PATH",
    "TEMPORAL_TLS_SERVER_CA_CERT_PATH",
    "TEMPORAL_TLS_SERVER_NAME",
}
ANY_TEXT = {
    "OTEL_SERVICE_NAME",
    # % if cookiecutter.workflow_builder
    "CLICKSIGN_TOKEN",
    "CLICKSIGN_WEBHOOK_KEYS",
    "GOOGLE_KEY_FILE",
    "HUBSPOT_TOKEN",
    "HUBSPOT_WEBHOOK_KEYS",
    "INBOUND_MAIL_KEYS",
    "INBOUND_MAIL_SERVICE",
    "MAILERSEND_INBOUND_SECRET",
    "ZAPSIGN_TOKEN",
    "ZAPSIGN_WEBHOOK_KEYS",
    # % endif
}


def read(module: str = "production", **variables: str) -> ModuleType:
    """The settings module as those variables alone would make it."""
    fresh = [name for name in sys.modules if name.startswith("config.settings")]
    variables = {"DJANGO_SECRET_KEY": SECRET} | variables
    with mock.patch.dict(sys.modules), mock.patch.dict(os.environ, variables, clear=True):
        for name in fresh:
            del sys.modules[name]
        return import_module(f"config.settings.{module}")


def check(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `manage.py check` with production settings and those variables."""
    command = [sys.executable, "manage.py", "check", *arguments]
    return subprocess.run(command, cwd=ROOT, env=ENVIRONMENT | variables, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("name", "value"), WRONG, ids=[f"{name}={value}" for name, value in WRONG])
def test_a_wrong_value_stops_the_start_and_is_named(name: str, value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{name}"):
        read(**{name: value})


def test_every_variable_has_a_wrong_value_here() -> None:
    read_here = re.findall(r"^# ([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)

    assert set(read_here) - {name for name, _ in WRONG + WRONG_NAMES} == READ_ELSEWHERE | ANY_TEXT


@pytest.mark.parametrize(("name", "value"), WRONG_NAMES, ids=[f"{name}={value}" for name, value in WRONG_NAMES])
def test_a_wrong_name_fails_the_checks_and_is_named(name: str, value: str) -> None:
    run = check(**{name: value})

    assert run.returncode == 1
    assert f"{name}={value!r}" in run.stderr


def test_encryption_keys_are_read_in_their_order_and_none_is_the_default() -> None:
    assert read().TEMPORAL_ENCRYPTION_KEYS == {}
    assert list(read(TEMPORAL_ENCRYPTION_KEYS=f"b:{KEY}, a:{KEY}").TEMPORAL_ENCRYPTION_KEYS.items()) == [
        ("b", b"k" * 32),
        ("a", b"k" * 32),
    ]
    assert read(TEMPORAL_ENCRYPTION_KEYS=f"off,a:{KEY}").TEMPORAL_ENCRYPTION_KEYS == {"off": b"", "a": b"k" * 32}


def test_a_wrong_encryption_key_is_not_told_but_how_to_make_one_is() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"secrets\.token_bytes") as refusal:
        read(TEMPORAL_ENCRYPTION_KEYS=f"2026-01:{KEY},2026-02:{KEY}AAAA")

    assert KEY[:8] not in str(refusal.value)
    assert "entry 2" in str(refusal.value)


def test_production_settings_pass_the_checks_for_deployment() -> None:
    run = check("--deploy", "--fail-level", "WARNING", EMAIL_URL="smtp+tls://mail.example.com")

    assert run.returncode == 0, run.stderr


def test_production_needs_no_variable_but_the_secret() -> None:
    production = read()

    assert production.MAILERS["default"]["OPTIONS"]["host"] == "localhost"
    assert production.ALLOWED_HOSTS == [production.SITE_DOMAIN]
    with pytest.raises(ImproperlyConfigured, match="DJANGO_SECRET_KEY is missing"):
        read(DJANGO_SECRET_KEY="")


def test_development_needs_no_variable() -> None:
    development = read("dev", DJANGO_SECRET_KEY="")

    assert development.DEBUG
    assert development.DATABASES["default"]["NAME"] == str(ROOT / "db.sqlite3")
    assert development.MAILERS["default"]["OPTIONS"] == {"file_path": str(ROOT / "var" / "mail")}


def test_sqlite_is_shared_by_web_and_worker() -> None:
    default = read(DATABASE_URL="sqlite:////srv/a folder%2Bé%25/db.sqlite3").DATABASES["default"]

    assert default["NAME"] == "/srv/a folder+é%/db.sqlite3"
    assert default["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode=WAL" in default["OPTIONS"]["init_command"]


def test_postgresql_is_chosen_by_its_url_alone() -> None:
    default = read(DATABASE_URL="postgres://shop:p%40ss%3A%2F$@db.example.com:5433/shop?sslmode=require").DATABASES["default"]

    assert (default["ENGINE"], default["USER"], default["PASSWORD"]) == ("django.db.backends.postgresql", "shop", "p@ss:/$")
    assert (default["HOST"], default["PORT"], default["NAME"]) == ("db.example.com", 5433, "shop")
    assert default["OPTIONS"]["sslmode"] == "require"


@pytest.mark.parametrize(
    ("url", "backend", "options"),
    [
        ("console://", "console", {}),
        ("file:///srv/my%20mail", "filebased", {"file_path": "/srv/my mail"}),
        ("smtp+tls://me:p%40ss@mail.example.com", "smtp", {"port": 587, "password": "p@ss", "use_tls": True, "use_ssl": False}),
        ("smtp+ssl://mail.example.com", "smtp", {"port": 465, "use_tls": False, "use_ssl": True}),
        ("smtp://mail.example.com:2525", "smtp", {"host": "mail.example.com", "port": 2525, "use_tls": False}),
    ],
)
def test_mail_goes_where_the_url_says(url: str, backend: str, options: dict[str, Any]) -> None:
    mailer = read(EMAIL_URL=url).MAILERS["default"]

    assert mailer["BACKEND"] == f"django.core.mail.backends.{backend}.EmailBackend"
    assert options.items() <= mailer.get("OPTIONS", {}).items()


def test_a_secret_may_begin_with_a_dollar_sign() -> None:
    assert f"${SECRET}" == read(DJANGO_SECRET_KEY=f"${SECRET}").SECRET_KEY


def test_lists_are_separated_by_commas() -> None:
    hosts = read(DJANGO_ALLOWED_HOSTS="shop.example.com, .example.org,[::1],10.0.0.1").ALLOWED_HOSTS

    assert hosts == ["shop.example.com", ".example.org", "[::1]", "10.0.0.1"]


def test_without_tls_cookies_travel_in_clear_and_keep_their_usual_names() -> None:
    switches = ("SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE")
    strict, plain = read(), read(DJANGO_SECURE_SSL_REDIRECT="no")

    assert [(getattr(strict, name), getattr(plain, name)) for name in switches] == [(True, False)] * 3
    assert strict.SESSION_COOKIE_NAME == "__Host-sessionid"
    assert not hasattr(plain, "SESSION_COOKIE_NAME")


def test_traces_and_errors_are_off_until_a_variable_says_where_they_go() -> None:
    empty = read(OTEL_EXPORTER_OTLP_ENDPOINT="", SENTRY_DSN="", TEMPORAL_METRICS_ADDRESS="", TEMPORAL_PROBE_ADDRESS="")
    full = read(OTEL_EXPORTER_OTLP_ENDPOINT="http://collector:4318", SENTRY_DSN="https://key@sentry.example.com/1")

    assert read().TEMPORAL_INTERCEPTORS == empty.TEMPORAL_INTERCEPTORS == ["apps.executions.interceptors.ProjectionInterceptor"]
    assert full.TEMPORAL_INTERCEPTORS[1:] == ["config.tracing.interceptor", "config.errors.ErrorInterceptor"]


def test_what_is_off_is_not_imported() -> None:
    script = "import django, sys; django.setup(); import apps.temporal.worker, config.wsgi; print(*sys.modules)"
    command = [sys.executable, "-c", script]

    loaded = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=True).stdout.split()

    assert [name for name in loaded if name.split(".")[0] in {"opentelemetry", "sentry_sdk"}] == []


def test_mailersend_gets_its_token_as_it_is_written() -> None:
    mailer = read(EMAIL_URL="mailersend://mlsn.AbC%2F1").MAILERS["default"]

    assert mailer == {"BACKEND": "anymail.backends.mailersend.EmailBackend", "OPTIONS": {"api_token": "mlsn.AbC/1"}}
