"""What the tests of pages share: a browser for an account, addresses, and what stands in the draft."""

from django.test import Client

from apps.users.models import User
from apps.workflows import exchange
from apps.workflows.definitions import DefinitionDoc
from apps.workflows.models import Workflow

STEPS = (
    {"key": "start", "kind": "trigger", "name": "Start", "next": [{"to": "note"}]},
    {"key": "note", "kind": "values", "name": "Note", "config": {"values": {"said": "{{ input.amount }}"}}},
)
AMOUNTS = {"type": "object", "properties": {"amount": {"type": "integer"}}, "required": ["amount"], "additionalProperties": False}


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def shown(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, response
    return response.content.decode()


def place(workflow: Workflow, path: str = "") -> str:
    return f"/workflows/{workflow.pk}/{path}"


def edited(workflow: Workflow) -> DefinitionDoc:
    workflow.refresh_from_db()
    return exchange.edited_document(workflow)


def revision(workflow: Workflow) -> int:
    return Workflow.objects.get(pk=workflow.pk).revision
