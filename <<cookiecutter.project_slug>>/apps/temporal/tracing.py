"""The trace of a request goes with its outbox message: written down by `carrier`, taken up again by `continued`.

Without tracing both do nothing, and OpenTelemetry is not imported.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.conf import settings


def carrier() -> dict[str, str]:
    """The current trace as headers, empty without one."""
    headers: dict[str, str] = {}
    if settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        from opentelemetry import propagate  # noqa: PLC0415  takes time to import

        propagate.inject(headers)
    return headers


@contextmanager
def continued(headers: Mapping[str, str]) -> Iterator[None]:
    """What happens inside belongs to the trace that `carrier` gave."""
    if not (settings.OTEL_EXPORTER_OTLP_ENDPOINT and headers):
        yield
        return
    from opentelemetry import context, propagate  # noqa: PLC0415  takes time to import

    token = context.attach(propagate.extract(headers))
    try:
        yield
    finally:
        context.detach(token)
