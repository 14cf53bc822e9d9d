"""Logs through structlog: readable on a console, one JSON object a line in production. Every library's lines take the same way.

Lines written during a request carry its id, those inside a workflow or an activity theirs: apps/temporal/interceptors.py.
"""

import re
import sys
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import structlog
from django.http import HttpRequest, HttpResponse
from structlog.typing import EventDict, Processor, WrappedLogger

# Links that let somebody in without an account end in 256 bits, written as 43 characters.
SECRET_PART = re.compile(r"/[\w-]{43}(?![\w-])", re.ASCII)
# What the development server attaches to each line: a socket and a second time stamp.
NOISE = ("request", "server_time", "__temporal_error_identifier")
TEMPORAL_EXTRAS = ("temporal_workflow", "temporal_activity")
TEMPORAL_FIELDS = {
    "workflow_id": "workflow_id",
    "workflow_run_id": "run_id",
    "run_id": "run_id",
    "workflow_type": "workflow",
    "activity_type": "activity",
    "attempt": "attempt",
    "task_queue": "task_queue",
}


def tidy(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Turn the SDK's nested extras into the fields that every other line has, and drop what nobody reads."""
    for extra in TEMPORAL_EXTRAS:
        for source, target in TEMPORAL_FIELDS.items():
            if source in (nested := event.get(extra) or {}):
                event.setdefault(target, nested[source])
        event.pop(extra, None)
    for name in NOISE:
        event.pop(name, None)
    return event


def hide_links(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Leave out of an address what lets its reader in: whoever reads logs must not be able to decide for others."""
    if isinstance(event.get("event"), str):
        event["event"] = SECRET_PART.sub("/...", event["event"])
    return event


def add_trace(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Add the id of the trace that the line belongs to. With tracing on OpenTelemetry is loaded, else never."""
    if tracing := sys.modules.get("opentelemetry.trace"):
        span = tracing.get_current_span().get_span_context()
        if span.is_valid:
            event["trace_id"] = f"{span.trace_id:032x}"
    return event


def request_ids(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware that gives each request an id, the proxy's where it sends one: in every line about it, and in the answer."""

    def middleware(request: HttpRequest) -> HttpResponse:
        sent = request.headers.get("X-Request-ID", "")
        request_id = sent if re.fullmatch(r"[\w-]{8,64}", sent, re.ASCII) else uuid4().hex
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = get_response(request)
        response["X-Request-ID"] = request_id
        return response

    return middleware


def logging_config(*, level: str, json: bool) -> dict[str, Any]:
    """Django's LOGGING. `level` is a level name such as INFO; `json` chooses JSON lines over coloured text."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        tidy,
        hide_links,
        add_trace,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderers: list[Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if json
        else [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structlog": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
            },
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structlog"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "propagate": True, "level": level},
            "django.server": {"handlers": [], "propagate": True, "level": level},
        },
    }
