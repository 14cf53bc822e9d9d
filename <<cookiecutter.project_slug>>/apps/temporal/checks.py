"""Django system checks: what is wrong with the settings is said before anything starts."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004  Django's name
from django.core.exceptions import ImproperlyConfigured

from apps.temporal import registry, schedules
from apps.temporal.conf import connect_config


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
def check_registry(**_: Any) -> Sequence[CheckMessage]:
    """No two workflows or activities share a name."""
    try:
        registry.workflows(), registry.activities()
    except ImproperlyConfigured as error:
        return [Error(str(error), hint="Give one of them another name.", id="temporal.E004")]
    return []


@register("temporal")
def check_schedules(**_: Any) -> Sequence[CheckMessage]:
    """The schedules that are declared in code can be made."""
    try:
        schedules.declared(rows=False)
    except ValueError as error:
        return [Error(str(error), hint="Correct it in that schedules.py.", id="temporal.E101")]
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
