"""Executions of definitions in the list of all executions."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps.users.models import User
from apps.workflows import services
from apps.workflows.models import Membership, Project, Workflow

pytestmark = pytest.mark.django_db

WAIT = {"key": "wait", "kind": "wait", "name": "Wait", "config": {"hours": 1}}


def listed(user: User, workflow: str = "") -> str:
    client = Client()
    client.force_login(user)
    return client.get("/executions/", {"workflow": workflow}).content.decode()


def test_the_list_can_be_narrowed_to_a_definition(project: Project, owner: User, make_workflow: Callable[..., Workflow]) -> None:
    first, second = (make_workflow(WAIT, name=name) for name in ("First", "Second"))
    ids = {}
    for workflow in (first, second):
        assert workflow.current is not None
        ids[workflow.slug] = services.start(workflow.current, values={}, user=owner).temporal_workflow_id

    assert all(name in listed(owner) for name in ids.values())
    assert ids["first"] in listed(owner, "demo/first")
    assert ids["second"] not in listed(owner, "demo/first")


def test_only_definitions_of_ones_own_projects_are_offered(project: Project, make_workflow: Callable[..., Workflow]) -> None:
    make_workflow(WAIT, name="Contract")
    make_workflow(WAIT, name="Unpublished", is_published=False)
    viewer, stranger = (User.objects.create_user(f"{name}@example.com") for name in ("viewer", "stranger"))
    services.set_member(project, user=viewer, role=Membership.Role.VIEWER)

    assert '<option value="demo/contract">Contract (Demo)</option>' in listed(viewer)
    assert "demo/unpublished" not in listed(viewer)
    assert "demo/contract" not in listed(stranger)
