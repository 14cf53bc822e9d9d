"""Executions in the admin: shown to those who may look, acted on through the services."""

from typing import Any

import pytest
from django.test import Client

from apps.executions.models import Execution
from apps.executions.tests.rows import execution, person
from apps.temporal.models import OutboxMessage

pytestmark = pytest.mark.django_db
LIST = "/admin/executions/execution/"


def as_staff(*permissions: str) -> Client:
    client = Client()
    client.force_login(person("staff", "view_execution", *permissions, is_staff=True))
    return client


def act(client: Client, action: str, *chosen: Execution) -> str:
    wanted: dict[str, Any] = {"action": action, "_selected_action": [row.pk for row in chosen]}
    return client.post(LIST, wanted, follow=True).content.decode()


def test_several_are_acted_on_at_once_and_those_that_cannot_be_are_named() -> None:
    client = as_staff("change_execution", "terminate_execution")
    running, other, failed = execution("running"), execution("running"), execution("failed")

    page = act(client, "cancel", running, failed)
    act(client, "terminate", other)
    act(client, "reset", failed)

    assert "Accepted: 1 executions will be canceled." in page
    assert f"{str(failed).capitalize()}: This execution is failed and cannot become canceled." in page
    told = set(OutboxMessage.objects.values_list("aggregate_id", "kind"))
    assert told >= {(str(running), "cancel"), (str(other), "terminate"), (str(failed), "reset")}
    assert {event.reason for row in (running, other, failed) for event in row.events.all()} == {"in the admin"}
    assert {event.user.email for event in running.events.all() if event.user} == {"staff@example.com"}


def test_each_action_needs_its_permission() -> None:
    row = execution("running")
    viewer, changer = as_staff(), Client()
    changer.force_login(person("changer", "view_execution", "change_execution", is_staff=True))

    for client, action in ((viewer, "cancel"), (viewer, "terminate"), (viewer, "reset"), (changer, "terminate")):
        act(client, action, row)
        assert f'value="{action}"' not in client.get(LIST).content.decode()

    assert not row.events.exists()


@pytest.mark.parametrize("model", ["execution", "taskexecution", "executionevent"])
def test_nothing_is_edited_or_deleted_by_hand(admin_client: Client, model: str) -> None:
    row = execution("failed")
    rows = {
        "execution": row,
        "taskexecution": row.tasks.create(name="a_task", activity_id="1"),
        "executionevent": row.events.create(action="failed", by="workflow"),
    }
    page = f"/admin/executions/{model}/{rows[model].pk}"

    assert admin_client.get(f"{page}/change/").status_code == 200
    assert 'name="_save"' not in admin_client.get(f"{page}/change/").content.decode()
    assert admin_client.post(f"{page}/change/", {}).status_code == admin_client.get(f"{page}/delete/").status_code == 403
