"""What the tests that ask every operation of the API find of approvals. Read by tests/everything.py."""

from typing import Any

from apps.approvals import asking, links
from apps.approvals.asking import Question
from apps.approvals.models import Person
from apps.executions.models import Execution
from apps.users.models import User
from tests.everything import SECRET, Row

# Who has the link, or the provider's key, needs no account.
ROWS = {
    "GET /approvals": Row(200, 200, 200),
    "POST /approvals/asked/{person_id}/decision": Row(404, 200, 404, {"decision": "approved"}),
    "POST /approvals/{token}/decision": Row(200, 200, 200, {"decision": "approved"}, nobody=200),
    "POST /webhooks/signature/{provider}": Row(401, 401, 401),
}


def ids(owner: User) -> dict[str, Any]:
    """A request that waits for the owner."""
    execution = Execution.objects.create(workflow="asking", user=owner, temporal_workflow_id=f"{SECRET}-asking", status="running")
    question = Question(kind="approval", people=[owner.email], title=SECRET)
    asking.open_request(execution_id=str(execution.pk), step="ask", question=question)
    person = Person.objects.get(request__execution=execution)
    return {"person_id": str(person.pk), "token": links.token_of(person), "provider": "clicksign"}
