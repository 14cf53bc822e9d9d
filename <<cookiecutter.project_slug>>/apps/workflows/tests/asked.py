"""What the tests that ask every operation of the API find of projects and workflows. Read by tests/everything.py."""

from base64 import b64encode
from typing import Any

from apps.users.models import User
from apps.workflows import documents, office, services
from apps.workflows.definitions import DefinitionDoc
from apps.workflows.tests.office_files import word
from tests.everything import SECRET, Row

START: dict[str, Any] = {"key": "start", "kind": "trigger", "name": "Start", "next": [{"to": "end"}]}
STEP: dict[str, Any] = {"key": "end", "kind": "values", "name": "End", "config": {"values": {"a": "{{ input.a }}"}}}
DEFINITION: dict[str, Any] = {"name": "Example", "steps": [START, STEP]}
TEMPLATE = {"project_id": "project_id", "filename": "another.docx", "content": b64encode(word()).decode()}
ROWS = {
    "GET /projects": Row(200, 200, 200),
    "POST /projects": Row(403, 403, 201, {"name": "Shop"}),
    "GET /projects/{project_id}": Row(404, 200, 200),
    "PATCH /projects/{project_id}": Row(404, 200, 200, {"name": "Shop"}),
    "DELETE /projects/{project_id}": Row(404, 409, 409),
    "GET /projects/{project_id}/members": Row(404, 200, 200),
    "PUT /projects/{project_id}/members": Row(404, 200, 200, {"email": "stranger@example.com", "role": "editor"}),
    "DELETE /projects/{project_id}/members/{member_id}": Row(404, 204, 204),
    "GET /projects/{project_id}/signing-key": Row(404, 200, 200),
    "GET /projects/{project_id}/workflows": Row(404, 200, 200),
    "POST /projects/{project_id}/workflows": Row(404, 201, 201, {"definition": DEFINITION}),
    "POST /projects/{project_id}/workflows/import": Row(404, 201, 201, DEFINITION),
    "GET /workflows/kinds": Row(200, 200, 200),
    "GET /workflows/ready": Row(200, 200, 200),
    "GET /workflows/{workflow_id}": Row(404, 200, 200),
    "PATCH /workflows/{workflow_id}": Row(404, 200, 200, {"status": "archived"}),
    "DELETE /workflows/{workflow_id}": Row(404, 409, 409),
    "POST /workflows/{workflow_id}/duplicate": Row(404, 201, 201),
    "GET /workflows/{workflow_id}/draft": Row(404, 200, 200),
    "PUT /workflows/{workflow_id}/draft": Row(404, 200, 200, DEFINITION),
    "GET /workflows/{workflow_id}/steps": Row(404, 200, 200),
    "POST /workflows/{workflow_id}/steps": Row(404, 201, 201, STEP | {"key": "more"}),
    "PUT /workflows/{workflow_id}/steps/{key}": Row(404, 200, 200, STEP),
    "DELETE /workflows/{workflow_id}/steps/{key}": Row(404, 200, 200),
    "POST /workflows/{workflow_id}/publish": Row(404, 200, 200),
    "GET /workflows/{workflow_id}/versions": Row(404, 200, 200),
    "GET /workflows/{workflow_id}/versions/{number}": Row(404, 200, 200),
    "GET /workflows/{workflow_id}/export": Row(404, 200, 200),
    "POST /workflows/{workflow_id}/execute": Row(404, 202, 202),
    "GET /workflows/{workflow_id}/runs": Row(404, 200, 200),
    "GET /workflows/{workflow_id}/runs/{run_id}": Row(404, 200, 200),
    "GET /documents": Row(200, 200, 200),
    "GET /documents/{document_id}": Row(404, 200, 200),
    "GET /documents/{document_id}/content": Row(404, 200, 200),
    "GET /document-templates": Row(200, 200, 200),
    "POST /document-templates": Row(404, 201, 201, TEMPLATE),
    "GET /document-templates/{template_id}": Row(404, 200, 200),
    "GET /document-templates/{template_id}/content": Row(404, 200, 200),
    "DELETE /document-templates/{template_id}": Row(404, 204, 204),
}


def ids(owner: User) -> dict[str, Any]:
    """A project with a member, and in it a workflow that has run."""
    member = User.objects.create_user(email="member@example.com")
    project = services.create_project(name=SECRET, owner=owner)
    services.set_member(project, user=member, role="viewer")
    document = DefinitionDoc.model_validate(DEFINITION | {"name": SECRET})
    workflow = services.create_workflow(project, user=owner, document=document)
    version = services.publish(workflow, user=owner)
    execution = services.start(version, values={"a": SECRET}, user=owner)
    template = documents.store_template(project, user=owner, filename=f"{SECRET}.docx", content=word())
    file = documents.File(filename=SECRET, media_type=office.MEDIA_TYPES[office.WORD], content=SECRET.encode())
    made, _ = documents.make_once(execution, step="end", index=0, make=lambda: file)
    return {
        "project_id": str(project.pk),
        "member_id": member.pk,
        "workflow_id": str(workflow.pk),
        "key": "end",
        "number": version.number,
        "run_id": str(execution.pk),
        "document_id": str(made.pk),
        "template_id": str(template.pk),
    }
