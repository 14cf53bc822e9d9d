"""The REST API under /api/v1/, its ways to sign in and its errors. Each app brings its router.

An error is {"detail": "a sentence"}; one about the request's values also lists them as {"errors": [{"field", "message"}]}.
"""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI, Schema
from ninja.errors import ValidationError

from apps.batch.api import router as batches
from apps.onboarding.api import router as onboarding
from apps.schedules.api import router as schedules
from apps.temporal.exceptions import ExecutionNotFound, TemporalUnavailable
from apps.users.auth import BearerAuth, SessionAuth
from apps.users.models import User
from config.views import SITE_NAME

RETRY_AFTER_SECONDS = 5

api = NinjaAPI(title=SITE_NAME, version="1", docs_url="/docs", auth=[BearerAuth(), SessionAuth()])
api.add_router("/onboarding", onboarding)
api.add_router("/batches", batches)
api.add_router("/schedules", schedules)


class MeOut(Schema):
    """The account that the request acts as."""

    id: int
    email: str
    name: str
    is_staff: bool


@api.get("/me", response=MeOut, tags=["account"], summary="Who the request acts as")
def me(request: HttpRequest) -> User:
    """A way to try a token."""
    assert isinstance(request.user, User)
    return request.user


@api.exception_handler(ValidationError)
def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """422 with the name of each field."""
    errors = [{"field": _field(problem["loc"]), "message": problem["msg"]} for problem in error.errors]
    sentence = "; ".join(f"{problem['field']}: {problem['message']}" for problem in errors)
    return api.create_response(request, {"detail": f"The request is not valid: {sentence}.", "errors": errors}, status=422)


@api.exception_handler(PermissionDenied)
def forbidden(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
    """403 with the reason, if one was given."""
    return api.create_response(request, {"detail": str(error) or "This account may not do that."}, status=403)


@api.exception_handler(ExecutionNotFound)
def not_found(request: HttpRequest, error: ExecutionNotFound) -> HttpResponse:
    """404 for an execution that nobody knows."""
    return api.create_response(request, {"detail": str(error)}, status=404)


@api.exception_handler(TemporalUnavailable)
def unavailable(request: HttpRequest, error: TemporalUnavailable) -> HttpResponse:
    """503, and when to ask again."""
    response = api.create_response(request, {"detail": str(error)}, status=503)
    response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _field(location: tuple[str | int, ...] | list[str | int]) -> str:
    # ("body", parameter of our function, field, …), ("query", field): the caller knows the fields alone.
    names = location[2:] if location[0] == "body" and len(location) > 2 else location[1:]  # noqa: PLR2004
    return ".".join(map(str, names))
