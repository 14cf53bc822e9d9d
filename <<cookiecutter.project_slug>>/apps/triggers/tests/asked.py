"""What the tests that ask every operation of the API find of triggers. Read by tests/everything.py."""

from typing import Any

from apps.triggers import services
from apps.users.models import User
from apps.workflows import services as workflows
from apps.workflows.definitions import DefinitionDoc
from tests.everything import SECRET, Row

CRON = {"kind": "cron", "name": "Nightly", "config": {"cron": ["0 3 * * *"]}}
ROWS = {
    "GET /triggers": Row(200, 200, 200),
    "POST /triggers": Row(404, 201, 201, {"workflow": "triggered_id", **CRON}),
    "GET /triggers/kinds": Row(200, 200, 200),
    "GET /triggers/{trigger_id}": Row(404, 200, 200),
    "PATCH /triggers/{trigger_id}": Row(404, 200, 200, {"enabled": False}),
    "DELETE /triggers/{trigger_id}": Row(404, 204, 204),
    "POST /triggers/{trigger_id}/fire": Row(404, 200, 200, {"data": {}}),
    "POST /triggers/{trigger_id}/keys": Row(404, 200, 200),
    "DELETE /triggers/{trigger_id}/keys/previous": Row(404, 200, 200),
    "GET /triggers/{trigger_id}/events": Row(404, 200, 200),
    # The signature says who sends it.
    "POST /webhooks/triggers/{trigger_id}": Row(401, 401, 401),
}


def ids(owner: User) -> dict[str, Any]:
    """A trigger of a workflow of its own."""
    project = workflows.create_project(name=f"{SECRET} triggered", owner=owner)
    step = {"key": "start", "kind": "trigger", "name": "Start"}
    document = DefinitionDoc.model_validate({"name": SECRET, "steps": [step]})
    workflow = workflows.create_workflow(project, user=owner, document=document)
    workflows.publish(workflow, user=owner)
    trigger = services.create_trigger(workflow, user=owner, kind="webhook", name=SECRET, config={})
    return {"triggered_id": str(workflow.pk), "trigger_id": str(trigger.pk)}
