"""Errors of the API as problem details, https://www.rfc-editor.org/rfc/rfc9457, and their place in its documentation.

An operation that can answer with an error of its own names it: `response={202: Out, 409: None}`. The others are added here.
"""

from collections.abc import Callable, Iterable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI, Schema
from ninja.openapi.schema import OpenAPISchema

from config.parsing import NUL

MEDIA_TYPE = "application/problem+json"


class FieldProblem(Schema):
    """What is wrong with one value of the request."""

    field: str
    message: str


class Problem(Schema):
    """What went wrong. `detail` is a sentence for people; `errors` is there where values of the request are wrong."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = []


def problem(status: int, detail: str, errors: Iterable[FieldProblem] = ()) -> HttpResponse:
    """An answer that says what went wrong."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    if listed := [error.model_dump() for error in errors]:
        body["errors"] = listed
    return JsonResponse(body, status=status, content_type=MEDIA_TYPE)


def is_api(request: HttpRequest) -> bool:
    """Whether a program asks."""
    return request.path_info.startswith("/api/")


def problems(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: errors that Django and ninja word themselves, such as 405, become problem details under /api/."""

    def middleware(request: HttpRequest) -> HttpResponse:
        answer = get_response(request)
        if answer.status_code < HTTPStatus.BAD_REQUEST or not is_api(request) or answer.headers["Content-Type"] == MEDIA_TYPE:
            return answer
        detail = f"{HTTPStatus(answer.status_code).phrase}."
        if allowed := answer.headers.get("Allow"):
            detail = f"{request.method} does nothing here: use {allowed}."
        worded = problem(answer.status_code, detail)
        for name in ("Allow", "Retry-After"):
            if name in answer.headers:
                worded.headers[name] = answer.headers[name]
        return worded

    return middleware


def storable(run: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Refuse a request with a NUL character, wherever it stands."""

    @wraps(run)
    def checked(request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
        asked = [request.path_info, *(text for name, texts in request.GET.lists() for text in (name, *texts))]
        if any("\0" in text for text in asked) or NUL.search(request.body):
            return problem(400, "The request has a NUL character, which cannot be stored: leave it out.")
        return run(request, *args, **options)

    return checked


class ProblemApi(NinjaAPI):
    """An API whose documentation names the errors of each operation."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        """The document, with the problems added."""
        schema = super().get_openapi_schema(**options)
        named = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schema["components"]["schemas"] |= {**named.pop("$defs"), "Problem": named}
        for path, operations in schema["paths"].items():
            for operation in operations.values():
                answers, content = operation["responses"], {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
                own = {status for status in answers if status >= HTTPStatus.BAD_REQUEST}
                for status in sorted(_general(path, operation) | own):
                    answers[status] = {"description": HTTPStatus(status).phrase, "content": content}
        return schema


def _general(path: str, operation: dict[str, Any]) -> set[int]:
    """The errors that any operation of this kind can answer with."""
    takes_values = operation["parameters"] or "requestBody" in operation
    return (
        {400}
        | ({401, 403} if "security" in operation else set())
        | ({404} if "{" in path else set())
        | ({422} if takes_values else set())
    )
