"""The REST API under /api/v1/, its ways to sign in and its errors. Each app brings its router, problems.py the errors' form."""

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import Schema
from ninja.errors import HttpError
from ninja.errors import ValidationError as InvalidRequest
from ninja.parser import Parser

from apps.batch.api import router as batches
from apps.executions.api import router as executions
from apps.executions.api import workflows
from apps.executions.states import IllegalTransition
from apps.notifications.api import router as notifications
from apps.onboarding.api import router as onboarding
from apps.reports.api import router as reports
from apps.schedules.api import router as schedules
from apps.temporal.exceptions import ExecutionNotFound, TemporalUnavailable
from apps.users.auth import BearerAuth, SessionAuth, account
from apps.users.models import User
from config.parsing import read_json
from config.problems import FieldProblem, ProblemApi, problem, storable
from config.views import NOTHING_HERE, SITE_NAME

RETRY_AFTER_SECONDS = 5
# What ninja says without saying what to do.
SENTENCES = {
    "Unauthorized": "Sign in, or send a token: Authorization: Bearer TOKEN.",
    "CSRF check Failed": "A page sends its CSRF token as X-CSRFToken, a program sends no session cookie but a token of its own.",
    "Cannot parse request body": "The request's body is not JSON.",
}


class StrictParser(Parser):
    """Reads the bodies."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Raises ValueError, which is answered with 400."""
        return read_json(request.body)


api = ProblemApi(title=SITE_NAME, version="1", docs_url="/docs", parser=StrictParser(), auth=[BearerAuth(), SessionAuth()])
api.add_decorator(storable, mode="view")
api.add_router("/onboarding", onboarding)
api.add_router("/batches", batches)
api.add_router("/schedules", schedules)
api.add_router("/reports", reports)
api.add_router("/notifications", notifications)
# % if cookiecutter.workflow_builder
# By name: what can be left out is not imported here.
api.add_router("/projects", "apps.workflows.project_api.router")
api.add_router("/workflows", "apps.workflows.api.router")
api.add_router("/workflows", "apps.workflows.run_api.router")
api.add_router("/documents", "apps.workflows.document_api.made")
api.add_router("/document-templates", "apps.workflows.document_api.templates")
api.add_router("/approvals", "apps.approvals.api.approvals")
api.add_router("/webhooks/signature", "apps.approvals.api.signatures")
api.add_router("/triggers", "apps.triggers.api.router")
api.add_router("/webhooks/triggers", "apps.triggers.api.deliveries")
# % endif
api.add_router("/executions", executions)
api.add_router("/workflows", workflows)


class MeOut(Schema):
    """The account that the request acts as."""

    id: int
    email: str
    name: str
    is_staff: bool


@api.get("/me", response=MeOut, tags=["account"], summary="Who the request acts as")
def me(request: HttpRequest) -> User:
    """A way to try a token."""
    return account(request)


@api.exception_handler(InvalidRequest)
def unreadable(request: HttpRequest, error: InvalidRequest) -> HttpResponse:
    """422 with the name of each field, for values that are not what the documentation says."""
    return _invalid([FieldProblem(field=_field(wrong["loc"]), message=wrong["msg"]) for wrong in error.errors])


@api.exception_handler(ValidationError)
def refused(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """422 with the name of each field, for values that a service refuses."""
    return _invalid(list(_by_field(error)))


@api.exception_handler(HttpError)
def failed(request: HttpRequest, error: HttpError) -> HttpResponse:
    """What ninja itself refuses: 400, 401, 403."""
    return problem(error.status_code, SENTENCES.get(str(error), str(error)))


@api.exception_handler(Http404)
def absent(request: HttpRequest, error: Http404) -> HttpResponse:
    """404 that does not tell what is there for others."""
    return problem(404, NOTHING_HERE)


@api.exception_handler(PermissionDenied)
def forbidden(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
    """403 with the reason, if one was given."""
    return problem(403, str(error) or "This account may not do that.")


@api.exception_handler(ExecutionNotFound)
def not_found(request: HttpRequest, error: ExecutionNotFound) -> HttpResponse:
    """404 for an execution that nobody knows."""
    return problem(404, str(error))


@api.exception_handler(IllegalTransition)
def conflict(request: HttpRequest, error: IllegalTransition) -> HttpResponse:
    """409 for what an execution cannot do from where it stands."""
    return problem(409, str(error))


@api.exception_handler(TemporalUnavailable)
def unavailable(request: HttpRequest, error: TemporalUnavailable) -> HttpResponse:
    """503, and when to ask again."""
    response = problem(503, str(error))
    response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _invalid(errors: list[FieldProblem]) -> HttpResponse:
    sentence = "; ".join(f"{error.field}: {error.message.rstrip('.')}" for error in errors)
    return problem(422, f"The request is not valid: {sentence}.", errors)


def _by_field(error: ValidationError) -> Iterator[FieldProblem]:
    by_field = error.message_dict if hasattr(error, "error_dict") else {"request": error.messages}
    for field, messages in by_field.items():
        yield FieldProblem(field=field, message=" ".join(messages))


def _field(location: tuple[str | int, ...] | list[str | int]) -> str:
    # ("body", parameter of our function, field, …), ("query", field): the caller knows the fields alone.
    names = location[2:] if location[0] == "body" and len(location) > 2 else location[1:]  # noqa: PLR2004
    return ".".join(map(str, names))
