"""The API does what its OpenAPI document says, whatever it is asked: no error of ours, and no answer that is not documented."""

from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, settings
from hypothesis.configuration import set_hypothesis_home_dir
from ninja.openapi.schema import OpenAPISchema
from pytest_django import Settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from apps.users.services import create_token
from config.api import api
from tests.everything import Everything

pytestmark = pytest.mark.django_db

EXAMPLES = 10
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.unsupported_method,
    checks.ignored_auth,
]
# Not into the working folder.
set_hypothesis_home_dir(Path(gettempdir()) / "hypothesis")
SCHEMA = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", WSGIHandler())


@pytest.fixture
def _one_connection() -> Iterator[None]:
    """Requests use the connection of the test's transaction, which Django would close at their ends."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


class Root:
    """Somebody who may do everything, in a project where there is something to do it to."""

    def __init__(self) -> None:
        self.world = Everything()
        self.world.owner.is_superuser = True
        self.world.owner.save()
        self.headers = {"Authorization": f"Bearer {create_token(user=self.world.owner, name='schema')}"}
        self.statuses = cycle(self.world.executions)

    def ask(self, case: Case[Any]) -> None:
        """Ask, and then ask the same of something that is there."""
        case.call_and_validate(headers=self.headers, checks=CHECKS)
        there = self.world.ids(next(self.statuses))
        if named := {name: there[name] for name in case.path_parameters if name in there}:
            case.path_parameters.update(named)
            case.call_and_validate(headers=self.headers, checks=CHECKS)


@pytest.fixture
def root(settings: Settings, temporal_server: str, _one_connection: None) -> Root:
    """See Root. Temporal answers, and does nothing."""
    settings.TEMPORAL_ADDRESS, settings.TEMPORAL_TASK_QUEUE = temporal_server, "nobody-polls-this"
    return Root()


def test_the_document_is_valid_openapi() -> None:
    SCHEMA.validate()


def test_no_two_components_have_the_same_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ninja keeps one of them, and documents the other as what it is not."""
    found: dict[str, list[Any]] = {}

    def add(_: OpenAPISchema, definitions: dict[str, Any]) -> None:
        for name, definition in definitions.items():
            if definition not in found.setdefault(name, []):
                found[name].append(definition)

    monkeypatch.setattr(OpenAPISchema, "add_schema_definitions", add)
    api.get_openapi_schema()

    assert {name: twins for name, twins in found.items() if len(twins) > 1} == {}


@SCHEMA.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_documented(case: Case[Any], root: Root) -> None:
    root.ask(case)
