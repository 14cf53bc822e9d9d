"""The spans of requests, and the way of a trace through the outbox. The whole way: test_observability.py."""

from collections.abc import Callable

import pytest
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import resolve
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pytest_django import Settings

from apps.temporal.tracing import carrier, continued
from config import tracing

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def traced(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ReadableSpan]:
    """The span of one request that a view answers."""
    settings.OTEL_EXPORTER_OTLP_ENDPOINT = "http://collector:4318"
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "tracer", lambda: provider.get_tracer("test"))

    def run(path: str, *, status: int = 200, **headers: str) -> ReadableSpan:
        def view(request: HttpRequest) -> HttpResponse:
            if status != 404:
                request.resolver_match = resolve(request.path_info)
            return HttpResponse(status=status)

        tracing.requests(view)(RequestFactory().get(path, headers=headers))
        (span,) = exporter.get_finished_spans()
        return span

    return run


def test_a_request_is_named_by_its_route_and_tells_no_address(traced: Callable[..., ReadableSpan]) -> None:
    span = traced("/api/v1/onboarding/42?token=secret")

    assert span.name == "GET api/v1/onboarding/<int:user_id>"
    assert span.attributes == {
        "http.request.method": "GET",
        "http.route": "api/v1/onboarding/<int:user_id>",
        "http.response.status_code": 200,
    }
    assert span.status.status_code is trace.StatusCode.UNSET


def test_a_request_that_fails_is_an_error(traced: Callable[..., ReadableSpan]) -> None:
    assert traced("/", status=500).status.status_code is trace.StatusCode.ERROR


def test_a_page_that_is_not_there_has_no_route(traced: Callable[..., ReadableSpan]) -> None:
    span = traced("/wp-login.php", status=404)

    assert (span.name, span.status.status_code) == ("GET", trace.StatusCode.UNSET)


@pytest.mark.parametrize(("sent", "taken"), [(PARENT, True), ("00-zz", False), ("", False)])
def test_the_callers_trace_is_taken_up_if_it_is_one(traced: Callable[..., ReadableSpan], sent: str, taken: bool) -> None:
    span = traced("/", traceparent=sent)

    assert span.context is not None
    assert (f"{span.context.trace_id:032x}" in PARENT) is taken


def test_a_trace_goes_through_the_outbox(settings: Settings) -> None:
    settings.OTEL_EXPORTER_OTLP_ENDPOINT = "http://collector:4318"

    with continued({"traceparent": PARENT}):
        assert carrier() == {"traceparent": PARENT}

    assert carrier() == {}


def test_without_the_variable_nothing_is_traced(settings: Settings) -> None:
    settings.OTEL_EXPORTER_OTLP_ENDPOINT = ""

    with continued({"traceparent": PARENT}):
        assert not trace.get_current_span().get_span_context().is_valid
    with trace.use_span(trace.NonRecordingSpan(trace.SpanContext(trace_id=1, span_id=2, is_remote=True))):
        assert carrier() == {}
    with pytest.raises(MiddlewareNotUsed):
        tracing.requests(lambda _: HttpResponse())
