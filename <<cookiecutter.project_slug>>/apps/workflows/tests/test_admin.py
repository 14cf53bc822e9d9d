"""Definitions in the admin: shown to those who may look, archived through the service, edited by nobody."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps.workflows.models import Project, Workflow
from apps.workflows.tests.asked import START, STEP

pytestmark = pytest.mark.django_db
LIST = "/admin/workflows/workflow/"


def act(client: Client, action: str, *chosen: Workflow) -> str:
    wanted = {"action": action, "_selected_action": [str(row.pk) for row in chosen]}
    return client.post(LIST, wanted, follow=True).content.decode()


def test_several_are_archived_and_those_that_cannot_become_active_are_named(
    admin_client: Client, make_workflow: Callable[..., Workflow]
) -> None:
    published, draft = make_workflow(START, STEP, name="One"), make_workflow(START, STEP, name="Two", is_published=False)

    assert "2 workflows are archived now." in act(admin_client, "archive", published, draft)
    page = act(admin_client, "activate", published, draft)

    assert "Two was never published" in page
    assert "1 workflows are active now." in page
    assert dict(Workflow.objects.values_list("name", "status")) == {"One": "active", "Two": "archived"}


def test_nothing_is_edited_or_deleted_by_hand(admin_client: Client, project: Project) -> None:
    page = f"/admin/workflows/project/{project.pk}"

    assert admin_client.get(f"{page}/change/").status_code == 200
    assert admin_client.post(f"{page}/change/", {}).status_code == admin_client.get(f"{page}/delete/").status_code == 403
