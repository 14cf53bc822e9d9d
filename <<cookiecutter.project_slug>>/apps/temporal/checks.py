"""Django system checks: what is wrong with the settings is said before anything starts."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004  Django's name
from django.core.exceptions import ImproperlyConfigured
from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    ImportString,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    with_config,
)

from apps.temporal import registry
from apps.temporal.conf import connect_config

Name = Annotated[str, StringConstraints(pattern=r"^\S+$")]
Listening = Annotated[str, StringConstraints(pattern=r"^(\S+:\d+)?$")]
Share = Annotated[float, Field(gt=0, le=1)]
AesKey = Annotated[bytes, AfterValidator(lambda key: AESGCM(key) and key if key else key)]
ApiKey = Annotated[str, StringConstraints(pattern=r"^[!-~]+$")]
File = Annotated[Path, AfterValidator(Path.read_bytes)]
Certificate = Annotated[File, AfterValidator(load_pem_x509_certificates)]
PrivateKey = Annotated[File, AfterValidator(lambda pem: load_pem_private_key(pem, password=None))]


@with_config(ConfigDict(extra="forbid"))
class QueueLimits(TypedDict, total=False):
    """An entry of TEMPORAL_TASK_QUEUES. apps/temporal/queues.py says what each means."""

    slots: PositiveInt
    memory: Share
    worker_rate: PositiveFloat
    queue_rate: PositiveFloat


# What each must be, and an example for those who got it wrong.
SETTINGS: dict[str, tuple[Any, str]] = {
    "TEMPORAL_UI_URL": (Annotated[str, StringConstraints(pattern=r"^https?://\S+$")], "http://localhost:8233"),
    "TEMPORAL_ENCRYPTION_KEYS": (dict[Name, AesKey], "{'2026-01': base64.b64decode(…)}"),
    "TEMPORAL_ACTIVITY_SLOTS": (PositiveInt, "20"),
    "TEMPORAL_WORKER_MEMORY": (Share, "0.8"),
    "TEMPORAL_TASK_QUEUES": (dict[Name, QueueLimits], "{'reports': {'slots': 2}}"),
    "TEMPORAL_DEDICATED_TENANTS": (list[Name], "['acme']"),
    "TEMPORAL_SHUTDOWN_GRACE": (NonNegativeFloat, "30"),
    "TEMPORAL_RELAY_ON_COMMIT": (bool, "True"),
    "TEMPORAL_OUTBOX_ATTEMPTS": (PositiveInt, "50"),
    "TEMPORAL_OUTBOX_RETENTION": (PositiveInt, "30"),
    "TEMPORAL_METRICS_ADDRESS": (Listening, "0.0.0.0:9090"),
    "TEMPORAL_PROBE_ADDRESS": (Listening, "0.0.0.0:8080"),
    "TEMPORAL_INTERCEPTORS": (list[ImportString[Any]], "['config.tracing.interceptor']"),
}
# The SDK takes any other TEMPORAL_TLS for true, and a file that is not there for no file.
VARIABLES: dict[str, tuple[Any, str]] = {
    "TEMPORAL_TLS": (Literal["true", "false", "1", "0"], "true"),
    "TEMPORAL_TLS_SERVER_NAME": (Name, "temporal.example.com"),
    "TEMPORAL_TLS_SERVER_CA_CERT_PATH": (Certificate, "/etc/temporal/ca.pem"),
    "TEMPORAL_TLS_CLIENT_CERT_PATH": (Certificate, "/etc/temporal/client.pem"),
    "TEMPORAL_TLS_CLIENT_KEY_PATH": (PrivateKey, "/etc/temporal/client.key"),
    "TEMPORAL_API_KEY": (ApiKey, "the key as it was given, in one line"),
    "TEMPORAL_CONFIG_FILE": (File, "/etc/temporal/temporal.toml"),
}
SECRET = {"TEMPORAL_API_KEY", "TEMPORAL_ENCRYPTION_KEYS"}


@register("temporal")
def check_address(**_: Any) -> Sequence[CheckMessage]:
    """TEMPORAL_ADDRESS is host:port; profile and certificate files can be read."""
    try:
        address = connect_config().get("target_host", "")
    except (RuntimeError, OSError) as error:
        return [
            Error(
                f"The Temporal connection cannot be set up: {error}.",
                hint="Check TEMPORAL_CONFIG_FILE, TEMPORAL_PROFILE and the TEMPORAL_TLS_* files.",
                id="temporal.E001",
            )
        ]
    host, colon, port = address.rpartition(":")
    if not (host and colon and port.isdecimal() and 0 < int(port) < 2**16) or "/" in address:
        return [
            Error(f"TEMPORAL_ADDRESS={address!r} is not host:port.", hint="Write for example localhost:7233.", id="temporal.E002")
        ]
    return []


@register("temporal")
def check_names(**_: Any) -> Sequence[CheckMessage]:
    """Namespace and task queue are there and hold no spaces, which nobody would see in a log."""
    return [
        Error(f"{name}={value!r} is no name.", hint=f"Write for example {example}.", id="temporal.E003")
        for name, value, example in (
            ("TEMPORAL_NAMESPACE", settings.TEMPORAL_NAMESPACE, "default"),
            ("TEMPORAL_TASK_QUEUE", settings.TEMPORAL_TASK_QUEUE, "<<cookiecutter.project_slug>>-tasks"),
        )
        if not value or value != "".join(value.split())
    ]


@register("temporal")
def check_values(**_: Any) -> Sequence[CheckMessage]:
    """The other settings, wherever they were written, and the variables that the SDK reads."""
    given = {name: getattr(settings, name) for name in SETTINGS} | {
        name: value for name in VARIABLES if (value := os.environ.get(name))
    }
    return [
        Error(
            f"{name} cannot be used: {fault}." if name in SECRET else f"{name}={value!r} cannot be used: {fault}.",
            hint=f"Write for example {(SETTINGS | VARIABLES)[name][1]}.",
            id="temporal.E005",
        )
        for name, value in given.items()
        if (fault := _fault(name, value))
    ]


@register("temporal")
def check_registry(**_: Any) -> Sequence[CheckMessage]:
    """No two workflows or activities share a name."""
    try:
        registry.workflows(), registry.activities()
    except ImproperlyConfigured as error:
        return [Error(str(error), hint="Give one of them another name.", id="temporal.E004")]
    return []


@register(Tags.database)
def check_connections(**_: Any) -> Sequence[CheckMessage]:
    """Workers keep connections for long: each must be checked before use."""
    return [
        Warning(
            f"DATABASES[{alias!r}] has no CONN_HEALTH_CHECKS.",
            hint="Without it activities fail after the database restarts: set it to True.",
            id="temporal.W001",
        )
        for alias, database in settings.DATABASES.items()
        if not database.get("CONN_HEALTH_CHECKS")
    ]


def _fault(name: str, value: Any) -> str:
    """The first thing that is wrong with a value. Nothing when it is sound."""
    try:
        # A setting must have its type; a variable is a text that may name a file.
        TypeAdapter((SETTINGS | VARIABLES)[name][0]).validate_python(value, strict=name in SETTINGS)
    except ValidationError as error:
        fault = error.errors()[0]
        return ": ".join([*map(str, fault["loc"]), fault["msg"]])
    except OSError as error:
        return str(error.strerror)
    return ""
