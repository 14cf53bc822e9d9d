"""Which lines belong to which request and to which trace. Those of activities: apps/temporal/tests/test_interceptors.py."""

import logging

import pytest
import structlog
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from opentelemetry import trace

from config.logs import add_trace, hide_links, request_ids


def ids(request: HttpRequest) -> HttpResponse:
    """The ids that a line written by a view would carry."""
    return HttpResponse(structlog.contextvars.get_contextvars().get("request_id", ""))


@pytest.mark.parametrize("sent", ["req-0123456789", "0af76519-16cd-43dd-8448-eb211c80319c"])
def test_the_proxys_id_is_taken_over(rf: RequestFactory, sent: str) -> None:
    response = request_ids(ids)(rf.get("/", headers={"x-request-id": sent}))

    assert (response.content.decode(), response["X-Request-ID"]) == (sent, sent)


@pytest.mark.parametrize("sent", ["", "short", "two\nlines of them", "<script>alert(1)</script>", "x" * 65, "٣" * 10])
def test_anything_else_is_replaced(rf: RequestFactory, sent: str) -> None:
    given = request_ids(ids)(rf.get("/", headers={"x-request-id": sent}))["X-Request-ID"]

    assert given != sent
    assert len(given) == 32


def test_no_id_outlives_its_request(rf: RequestFactory) -> None:
    request_ids(ids)(rf.get("/"))

    assert "request_id" not in structlog.contextvars.get_contextvars()


def test_every_page_has_one(client: Client, temporal_up: None, db: None) -> None:
    first, second = (client.get("/")["X-Request-ID"] for _ in range(2))

    assert first != second


def test_a_line_carries_the_id_of_its_trace() -> None:
    span = trace.NonRecordingSpan(trace.SpanContext(trace_id=1, span_id=2, is_remote=True))

    with trace.use_span(span):
        inside = add_trace(logging.getLogger(), "info", {"event": "x"})

    assert inside == {"event": "x", "trace_id": "0" * 31 + "1"}
    assert add_trace(logging.getLogger(), "info", {"event": "x"}) == {"event": "x"}


@pytest.mark.parametrize(
    ("line", "written"),
    [
        (f"Conflict: /api/v1/links/{'aB3_-' * 8}xyz/decision", "Conflict: /api/v1/links/.../decision"),
        (f'"GET /forms/{"x" * 43}/ HTTP/1.1" 200', '"GET /forms/.../ HTTP/1.1" 200'),
        (f"Not Found: /executions/{'0' * 36}/", f"Not Found: /executions/{'0' * 36}/"),
        (f"Not Found: /static/{'x' * 44}", f"Not Found: /static/{'x' * 44}"),
    ],
)
def test_a_line_does_not_tell_the_link_that_lets_somebody_in(line: str, written: str) -> None:
    assert hide_links(logging.getLogger(), "warning", {"event": line}) == {"event": written}
