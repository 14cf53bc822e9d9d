"""Every error of the API is a problem detail (RFC 9457) whose `detail` says what to do."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpResponse
from django.test import Client, RequestFactory

from apps.executions.states import IllegalTransition
from apps.temporal.exceptions import ExecutionNotFound, TemporalUnavailable
from config import api
from config.problems import MEDIA_TYPE

pytestmark = pytest.mark.django_db


def told(answer: Any) -> tuple[int, str]:
    """Status and sentence of an answer that has the form of a problem."""
    body = json.loads(answer.content)
    assert answer.headers["Content-Type"] == MEDIA_TYPE
    assert body.keys() - {"errors"} == {"type", "title", "status", "detail"}
    assert (body["type"], body["status"]) == ("about:blank", answer.status_code)
    assert body["title"]
    return answer.status_code, body["detail"]


@pytest.mark.parametrize(
    ("handler", "error", "status"),
    [
        (api.unavailable, TemporalUnavailable("Away."), 503),
        (api.not_found, ExecutionNotFound("Away."), 404),
        (api.forbidden, PermissionDenied("Away."), 403),
        (api.conflict, IllegalTransition("Away."), 409),
    ],
)
def test_the_reason_is_passed_on(handler: Callable[..., HttpResponse], error: Exception, status: int) -> None:
    assert told(handler(RequestFactory().get("/"), error)) == (status, "Away.")


def test_what_ninja_and_django_refuse_has_the_same_form(client: Client, ada_client: Client) -> None:
    careless = Client(enforce_csrf_checks=True)
    careless.cookies = ada_client.cookies
    url = "/api/v1/onboarding"

    assert told(client.get("/api/v1/me")) == (401, "Sign in, or send a token: Authorization: Bearer TOKEN.")
    assert told(client.get("/api/v1/me", headers={"Authorization": "Bearer none"}))[1].startswith("The token is unknown")
    assert told(client.get("/api/v1/nothing")) == (404, "There is nothing at this address.")
    assert told(ada_client.get(f"/api/v1/executions/{uuid4()}")) == (404, "There is nothing at this address.")
    assert told(careless.post(url, {"user_id": 1}, "application/json")) == (403, api.SENTENCES["CSRF check Failed"])
    assert told(ada_client.post(url, "{", "application/json")) == (400, "The request's body is not JSON.")
    assert told(ada_client.post(url, "x" * 3_000_000, "application/json"))[0] in {400, 413}
    refused = ada_client.delete(url)
    assert told(refused) == (405, "DELETE does nothing here: use POST.")
    assert refused.headers["Allow"] == "POST"


def test_the_fields_that_are_wrong_are_named(ada_client: Client) -> None:
    answer = ada_client.post("/api/v1/onboarding", {"user_id": "x"}, "application/json")

    status, detail = told(answer)
    assert (status, [error["field"] for error in answer.json()["errors"]]) == (422, ["user_id"])
    assert detail.startswith("The request is not valid: user_id: ")


def test_what_a_service_refuses_is_told_by_field_where_it_names_one() -> None:
    request = RequestFactory().get("/")

    by_field = api.refused(request, ValidationError({"to": "Choose another."}))
    general = api.refused(request, ValidationError("Not so."))

    assert told(by_field) == (422, "The request is not valid: to: Choose another.")
    assert json.loads(by_field.content)["errors"] == [{"field": "to", "message": "Choose another."}]
    assert told(general) == (422, "The request is not valid: request: Not so.")


@pytest.mark.parametrize("body", [r'{"batch_id": "\u0000"}', '{"a": "\0"}', '{"batch_id": "x"}'.encode("utf-16")])
def test_what_no_database_stores_is_refused(admin_client: Client, body: str | bytes) -> None:
    assert told(admin_client.generic("POST", "/api/v1/batches", body, "application/json"))[0] == 400
    assert told(admin_client.get("/api/v1/batches/a%00b"))[0] == 400
    assert told(admin_client.get("/api/v1/batches?status=%00"))[0] == 400


def test_a_backslash_before_u0000_is_no_nul(admin_client: Client) -> None:
    answer = admin_client.generic("POST", "/api/v1/batches", r'{"batch_id": "\\u0000"}', "application/json")

    assert told(answer)[0] == 422


@pytest.mark.parametrize(
    "body",
    [
        rb'{"a": NaN}',
        rb'{"a": -Infinity}',
        rb'{"a": 1e999}',
        rb'{"a": "\ud800"}',
        rb'{"\udfff": 1}',
        b'"\xed\xa0\x80"',
        b"[" * 99_999,
    ],
)
def test_what_is_no_json_but_for_python_is_refused(admin_client: Client, body: bytes) -> None:
    answer = admin_client.generic("POST", "/api/v1/batches", body, "application/json")

    assert told(answer) == (400, "The request's body is not JSON.")


def test_a_character_in_two_halves_is_one(admin_client: Client) -> None:
    answer = admin_client.generic("POST", "/api/v1/batches", rb'{"batch_id": "\ud83d\ude00"}', "application/json")

    assert told(answer)[0] == 422


def test_a_page_of_a_list_has_at_most_a_thousand_rows(admin_client: Client) -> None:
    for asked in ({"limit": 1_001}, {"limit": 0}, {"offset": -1}, {"offset": 2**63}):
        assert told(admin_client.get("/api/v1/batches", asked))[0] == 422
