"""`/api/v1/triggers`."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.schedules.tests.scheduling import Schedules
from apps.temporal import relay
from apps.triggers import keys, schedules
from apps.triggers.models import Trigger
from apps.triggers.tests.started import started
from apps.users.models import User
from apps.workflows import services as workflows
from apps.workflows.models import Project, Workflow
from tests.installation import wait_until

pytestmark = pytest.mark.django_db
type MakeTrigger = Callable[..., Trigger]
NIGHTLY: dict[str, Any] = {"kind": "cron", "name": "Nightly", "config": {"cron": ["0 3 * * *"], "input": {"amount": 1}}}


class Api:
    """What an account asks of the API, and is answered."""

    def __init__(self, user: User) -> None:
        self.client = Client()
        self.client.force_login(user)

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        return self.client.generic(
            method, f"/api/v1/triggers{path}", json.dumps(body), content_type="application/json", headers=headers
        )

    def next_times(self, path: str) -> set[str]:
        """The times of day at which it is to be fired next, as far as the server's list knows already."""
        return {time[11:19] for time in self("GET", path).json()["next_times"]}


@pytest.fixture
def api(owner: User) -> Api:
    return Api(owner)


def test_a_schedule_is_created_changed_paused_and_deleted(api: Api, workflow: Workflow, on_server: Schedules) -> None:
    on_server.declare(rows=lambda: list(schedules.schedules()))
    made = api("POST", "", NIGHTLY | {"workflow": str(workflow.pk)})
    assert made.status_code == 201
    path, name = f"/{made.json()['id']}", f"trigger-{made.json()['id']}"
    relay.deliver_all()
    on_server.listed(name)
    wait_until(lambda: api.next_times(path) == {"03:00:00"})

    changed = api("PATCH", path, {"config": {"cron": ["15 4 * * *"], "input": {"amount": 1}}, "name": "Early"}).json()
    assert (changed["name"], changed["config"]["cron"], changed["config"]["input"]) == ("Early", ["15 4 * * *"], {"amount": 1})
    relay.deliver_all()
    wait_until(lambda: api.next_times(path) == {"04:15:00"})

    api("PATCH", path, {"enabled": False})
    relay.deliver_all()
    on_server.listed(name, paused=[name])
    assert api.next_times(path) == set()

    assert api("DELETE", path).status_code == 204
    relay.deliver_all()
    on_server.listed()
    assert api("GET", path).status_code == 404


def test_what_is_wrong_is_told_by_field(api: Api, workflow: Workflow) -> None:
    wrong: list[dict[str, Any]] = [
        {"kind": "fax"},
        {"config": {"cron": ["often"]}},
        {"config": {"cron": ["0 3 * * *"], "time_zone": "Mars/Olympus"}},
        {"config": {"cron": ["0 3 * * *"], "colour": "red"}},
        {"overlap": "perhaps"},
    ]

    answers = [api("POST", "", NIGHTLY | {"workflow": str(workflow.pk)} | each) for each in wrong]

    fields = [(answer.status_code, answer.json()["errors"][0]["field"]) for answer in answers]
    assert fields == [(422, name) for name in ("kind", "cron", "time_zone", "colour", "overlap")]
    assert not Trigger.objects.exists()


def test_it_is_fired_once_for_a_key(api: Api, make_trigger: MakeTrigger) -> None:
    path = f"/{make_trigger().pk}"

    first, second = (api("POST", f"{path}/fire", {"data": {"amount": 5}}, **{"Idempotency-Key": "k"}).json() for _ in range(2))
    refused = api("POST", f"{path}/fire").json()

    execution = started().get()
    assert first == second == {"status": "started", "execution_id": str(execution.pk), "error": ""}
    assert refused == {"status": "refused", "execution_id": None, "error": "input.amount: This is needed."}
    assert [event["status"] for event in api("GET", f"{path}/events").json()["items"]] == ["refused", "started"]
    shown = api("GET", path).json()
    assert (shown["fired_count"], shown["last_error"]) == (1, "input.amount: This is needed.")


def test_keys_are_shown_to_those_who_may_change_it(api: Api, make_trigger: MakeTrigger, project: Project) -> None:
    trigger, viewer = make_trigger(), User.objects.create_user(email="viewer@example.com")
    workflows.set_member(project, user=viewer, role="viewer")
    path = f"/{trigger.pk}"

    shown = api("POST", f"{path}/keys").json()
    trigger.refresh_from_db()
    assert (shown["key"], shown["keeps_previous"]) == (keys.signing_key(trigger), True)
    assert shown["address"].endswith(f"/api/v1/webhooks/triggers/{trigger.pk}")
    assert api("DELETE", f"{path}/keys/previous").json()["keeps_previous"] is False

    seen = Api(viewer)("GET", path).json()
    assert (seen["key"], seen["address"]) == ("", "")
    ways: list[tuple[str, str, Any]] = [("PATCH", "", {}), ("DELETE", "", None), ("POST", "/fire", {}), ("POST", "/keys", None)]
    assert {Api(viewer)(method, path + way, body).status_code for method, way, body in ways} == {403}
    assert Api(viewer)("POST", "", NIGHTLY | {"workflow": str(trigger.workflow_id)}).status_code == 403


def test_only_kinds_with_a_key_of_their_own_get_another(api: Api, make_trigger: MakeTrigger) -> None:
    assert api("POST", f"/{make_trigger('hubspot').pk}/keys").status_code == 422


def test_those_of_one_workflow_are_listed(api: Api, make_trigger: MakeTrigger, workflow: Workflow, owner: User) -> None:
    make_trigger()
    other = workflows.duplicate(workflow, user=owner)

    assert [len(api("GET", f"?workflow={each.pk}").json()["items"]) for each in (workflow, other)] == [1, 0]
    assert Api(User.objects.create_user(email="stranger@example.com"))("GET", "").json()["items"] == []


def test_every_kind_says_what_it_is_told(api: Api) -> None:
    found = {each["kind"]: each for each in api("GET", "/kinds").json()}

    in_any_case = [name for name, each in found.items() if each["is_there_in_any_case"]]
    assert in_any_case == ["manual", "api"]
    assert set(found) == {"manual", "api", "cron", "interval", "webhook", "hubspot", "google-forms", "email", "form"}
    assert found["cron"]["config_schema"]["required"] == ["cron"]
