"""A project, and workflows made of documents."""

from collections.abc import Callable
from typing import Any

import pytest

from apps.users.models import User
from apps.workflows import services
from apps.workflows.definitions import DefinitionDoc
from apps.workflows.models import Project, Workflow


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.create_user(email="owner@example.com", password="only-for-tests")


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
