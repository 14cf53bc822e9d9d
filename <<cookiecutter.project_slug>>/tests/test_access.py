"""Who may ask what of the API: every operation, as nobody, as a stranger, as the owner of what is asked for, and as staff."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import transaction
from django.test import Client
from pytest_django import Settings

from apps.users.models import User
from config.api import api
from tests.everything import SECRET, Everything, Row, rows

pytestmark = pytest.mark.django_db

ONBOARDING = {"workflow": "user_onboarding", "input": {"user_id": 7, "email": "ada@example.com", "name": "Ada"}}
TABLE = {
    "GET /me": Row(200, 200, 200),
    "POST /onboarding": Row(404, 202, 202, {"user_id": "user_id"}),
    "GET /onboarding/{user_id}": Row(404, 200, 200),
    "POST /onboarding/{user_id}/cancel": Row(404, 202, 202),
    "POST /batches": Row(403, 403, 202, {"batch_id": "other", "user_ids": [1]}),
    "GET /batches": Row(403, 403, 200),
    "GET /batches/{batch_id}": Row(403, 403, 200),
    "GET /batches/{batch_id}/failures": Row(403, 403, 200),
    "POST /batches/{batch_id}/cancel": Row(403, 403, 202),
    "GET /schedules": Row(403, 403, 200),
    "POST /schedules/{name}/{change}": Row(403, 403, 202),
    "GET /reports": Row(200, 200, 200),
    "POST /reports": Row(404, 202, 202, {"execution": "execution_id", "format": "csv"}),
    "GET /reports/{report_id}": Row(404, 200, 200),
    "GET /reports/{report_id}/content": Row(404, 200, 200),
    "GET /notifications": Row(200, 200, 200),
    "POST /notifications/read": Row(200, 200, 200),
    "POST /notifications/{notification_id}/read": Row(404, 200, 404),
    "GET /notifications/choices": Row(200, 200, 200),
    "PUT /notifications/choices": Row(200, 200, 200, {"choices": []}),
    "DELETE /notifications/choices": Row(200, 200, 200),
    "GET /notifications/contact": Row(200, 200, 200),
    "PUT /notifications/contact": Row(200, 200, 200),
    "POST /notifications/contact/secret": Row(200, 200, 200),
    "GET /workflows": Row(200, 200, 200),
    "GET /executions": Row(200, 200, 200),
    "POST /executions": Row(403, 403, 201, ONBOARDING),
    "GET /executions/{execution_id}": Row(404, 200, 200),
    "GET /executions/{execution_id}/tasks": Row(404, 200, 200),
    "GET /executions/{execution_id}/tasks/{task_id}": Row(404, 200, 200),
    "GET /executions/{execution_id}/events": Row(404, 200, 200),
    # The tests' own server keeps no streams.
    "GET /executions/{execution_id}/stream": Row(404, 204, 204),
    "POST /executions/{execution_id}/start": Row(404, 202, 202, of="pending"),
    "POST /executions/{execution_id}/cancel": Row(404, 202, 202, of="running"),
    "POST /executions/{execution_id}/terminate": Row(404, 403, 202, {"reason": "stuck"}, of="running"),
    "POST /executions/{execution_id}/reset": Row(404, 202, 202),
    **rows(),
}


def test_every_operation_has_its_row() -> None:
    paths = api.get_openapi_schema()["paths"]

    asked = {f"{method.upper()} {path.removeprefix('/api/v1')}" for path, methods in paths.items() for method in methods}
    assert asked == set(TABLE)


@pytest.mark.parametrize("operation", TABLE)
def test_each_is_answered_as_the_table_says(operation: str, settings: Settings, temporal_server: str) -> None:
    settings.TEMPORAL_ADDRESS = temporal_server
    row, world = TABLE[operation], Everything()
    stranger, staff = User.objects.bulk_create([User(email="stranger@example.com"), User(email="staff@example.com")])
    staff.user_permissions.set(Permission.objects.all())

    answers = [ask(operation, row, world, who) for who in (None, stranger, world.owner, staff)]

    assert [answer.status_code for answer in answers] == [row.nobody, row.stranger, row.owner, row.staff]
    assert all(SECRET not in answer.content.decode() for answer in answers[:2])


def ask(operation: str, row: Row, world: Everything, who: User | None) -> Any:
    """The answer. What the request does is taken back."""
    client, ids = Client(), world.ids(row.of)
    if who:
        client.force_login(who)
    method, _, path = operation.partition(" ")
    body = json.dumps({name: ids.get(str(value), value) for name, value in row.body.items()})
    with transaction.atomic():
        answer = client.generic(method, f"/api/v1{path.format(**ids)}", body, content_type="application/json")
        transaction.set_rollback(True)
    return answer
