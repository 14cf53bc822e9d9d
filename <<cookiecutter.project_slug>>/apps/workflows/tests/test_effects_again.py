"""Effects that are wanted again, by a reset that repeats them."""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from apps.development.testing import Temporal
from apps.executions import services as executions
from apps.users.models import User
from apps.workflows.models import Workflow
from apps.workflows.tests.running import finish, run
from apps.workflows.tests.service import service

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("is_list", [False, True])
def test_what_is_wanted_again_is_asked_for_by_another_key(
    make_workflow: Callable[..., Workflow], temporal: Temporal, owner: User, settings: Settings, is_list: bool
) -> None:
    settings.WEBHOOK_ALLOW_INTERNAL = True
    keys: list[set[str]] = []
    with service(lambda _: (400, "text/plain", b"no")) as other_side:
        step: dict[str, Any] = {"kind": "http-request", "config": {"url": other_side.url}}
        if is_list:
            step = {"kind": "for-each", "config": {"items": "[1, 2]", "do": step}}
        execution = run(temporal, make_workflow({"key": "ask", "name": "Ask", **step}), owner)
        for repeat_effects in (False, True, False, True):
            keys.append({call.headers["idempotency-key"] for call in other_side.calls})
            other_side.calls.clear()
            executions.reset_execution(execution, user=owner, repeat_effects=repeat_effects)
            finish(temporal, execution)
        last = {call.headers["webhook-id"] for call in other_side.calls}

    places = [":0", ":1"] if is_list else [""]
    first, again = ({f"exec_{execution.pk}:{key}{place}" for place in places} for key in ("ask", "ask:again-2"))
    assert keys == [first, first, again, again]
    assert last.isdisjoint(first | again)
    assert len(last) == len(places)
