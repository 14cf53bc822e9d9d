"""A project, and workflows made of documents."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from apps.users.models import User
from apps.workflows import services
from apps.workflows.definitions import DefinitionDoc
from apps.workflows.models import Project, Workflow
from apps.workflows.tests.pages import AMOUNTS, STEPS


@pytest.fixture
def owner(db: None) -> User:
    owner = User.objects.create_user(email="owner@example.com", password="only-for-tests")
    owner.user_permissions.add(Permission.objects.get(codename="add_project"))
    return owner


@pytest.fixture
def project(owner: User) -> Project:
    return services.create_project(name="Demo", owner=owner)


@pytest.fixture
def make_workflow(project: Project, owner: User) -> Callable[..., Workflow]:
    """A workflow with those steps, published."""

    def make(*steps: dict[str, Any], name: str = "Example", is_published: bool = True, **more: Any) -> Workflow:
        document = DefinitionDoc.model_validate({"name": name, "steps": steps, **more})
        workflow = services.create_workflow(project, user=owner, document=document)
        if is_published:
            services.publish(workflow, user=owner)
            workflow.refresh_from_db()
        return workflow

    return make


@pytest.fixture
def as_user() -> Callable[[User], Client]:
    """A browser in which somebody is signed in."""

    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def ask(owner: User, as_user: Callable[[User], Client]) -> Callable[..., Any]:
    """Ask the API as the owner of the project, or as somebody else: method, path, body."""

    def send(method: str, path: str, body: Any = None, *, user: User | None = None, **headers: str) -> Any:
        content = "" if body is None else json.dumps(body)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return as_user(user or owner).generic(method, f"/api/v1{path}", content, content_type="application/json", headers=given)

    return send


@pytest.fixture
def workflow(make_workflow: Callable[..., Workflow]) -> Workflow:
    """A published one of two steps, which asks for an amount."""
    return make_workflow(*STEPS, input_schema=AMOUNTS)
