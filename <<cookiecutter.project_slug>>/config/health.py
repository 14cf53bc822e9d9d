"""What the project needs to run, asked for by probes and by the front page.

The probes are a middleware: an orchestrator asks by address over plain HTTP, which the checks for the host name and for HTTPS
would refuse.
"""

from collections.abc import Callable

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import add_never_cache_headers

from apps.temporal import client
from apps.temporal.database import database_problem

TEMPORAL_TIMEOUT = 0.5
TEMPORAL_REMEMBERED = 5


def temporal_problem() -> str:
    """Nothing when Temporal answers, else a sentence that says what to do. Remembered for TEMPORAL_REMEMBERED seconds."""
    # Remembered, or each visitor would hold a thread for the time-out while Temporal is away.
    if (known := cache.get("temporal-problem")) is None:
        known = client.health(TEMPORAL_TIMEOUT)
        cache.set("temporal-problem", known, TEMPORAL_REMEMBERED)
    return str(known)


def probes(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware that answers /health/live and /health/ready."""

    def middleware(request: HttpRequest) -> HttpResponse:
        match request.path_info:
            case "/health/live":
                response = JsonResponse({"status": "ok"})
            case "/health/ready":
                response = _ready()
            case _:
                return get_response(request)
        add_never_cache_headers(response)
        return response

    return middleware


def _ready() -> JsonResponse:
    # Without Temporal requests are still accepted: what they start waits in the outbox. Without the database nothing works.
    database = database_problem()
    states = {"database": database, "temporal": temporal_problem()}
    shown = {name: f"unreachable: {problem}" if problem else "ok" for name, problem in states.items()}
    return JsonResponse(shown, status=503 if database else 200)
