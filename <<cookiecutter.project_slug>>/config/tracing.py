"""Traces through OpenTelemetry, from the request to the activity: on where OTEL_EXPORTER_OTLP_ENDPOINT is set.

The way through the outbox is apps/temporal/tracing.py. Each import stands where it is needed: together they take 0.4 s, which
a process without tracing does not wait for.
"""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from temporalio.client import Interceptor  # noqa: TID251  an interceptor, not a client

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer


@cache
def tracer() -> "Tracer":
    """Makes this process's spans, and sends them from a thread. Made when first used: a thread does not survive a fork.

    What is left is sent when the process ends.
    """
    from opentelemetry import trace  # noqa: PLC0415  as said above
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=Resource.create({"service.name": settings.OTEL_SERVICE_NAME}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return provider.get_tracer(__name__)


def interceptor() -> Interceptor:
    """Spans around what is told to Temporal, and around workflows and activities."""
    from temporalio.contrib.opentelemetry import TracingInterceptor  # noqa: PLC0415

    return TracingInterceptor(tracer())


def requests(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware that puts a span around each request, named by its route: addresses hold ids and secrets, so none is sent.

    Raises MiddlewareNotUsed without tracing.
    """
    if not settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        raise MiddlewareNotUsed
    from opentelemetry import trace  # noqa: PLC0415
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    caller = TraceContextTextMapPropagator()

    def middleware(request: HttpRequest) -> HttpResponse:
        method = request.method or ""
        with tracer().start_as_current_span(
            method, caller.extract(request.headers), trace.SpanKind.SERVER, {"http.request.method": method}
        ) as span:
            response = get_response(request)
            if request.resolver_match:
                span.update_name(f"{method} {request.resolver_match.route}")
                span.set_attribute("http.route", request.resolver_match.route)
            span.set_attribute("http.response.status_code", response.status_code)
            if response.status_code >= 500:  # noqa: PLR2004
                span.set_status(trace.StatusCode.ERROR)
            return response

    return middleware
