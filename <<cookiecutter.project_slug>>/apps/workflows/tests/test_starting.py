"""Definitions among what can be started."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.executions import catalog
from apps.users.models import User
from apps.workflows import services
from apps.workflows.models import Project, Step, Workflow
from apps.workflows.tests.pages import STEPS

pytestmark = pytest.mark.django_db
MANY = 20
# The queries of pages on which many workflows are named.
LIMITS = {
    "/executions/new/": 8,
    "/inbox/settings/": 12,
    "/api/v1/workflows": 8,
    "/workflows/{workflow}/edit/steps/new/?kind=values": 14,
}


@pytest.fixture
def browser(owner: User, as_user: Callable[[User], Client]) -> Client:
    """Of an account that may start executions by hand."""
    owner.user_permissions.add(Permission.objects.get(codename="add_execution"))
    return as_user(owner)


@pytest.fixture
def of_no_kind(make_workflow: Callable[..., Workflow]) -> Workflow:
    """One of whose steps has a kind that there was when it was published."""
    workflow = make_workflow(*STEPS, name="Old")
    Step.objects.filter(version=workflow.current, position=2).update(kind="fax", name="Send a fax")
    return workflow


@pytest.mark.parametrize(
    "page",
    [
        "/executions/new/",
        "/executions/new/?workflow=demo/old",
        "/inbox/settings/",
        "/inbox/settings/?workflow=demo/old",
        "/api/v1/workflows",
        "/workflows/{other}/edit/steps/new/?kind=values",
        "/workflows/{old}/run/",
    ],
)
def test_a_kind_that_there_is_no_more_breaks_no_page(
    browser: Client, of_no_kind: Workflow, workflow: Workflow, page: str
) -> None:
    answer = browser.get(page.format(other=workflow.pk, old=of_no_kind.pk))

    assert answer.status_code == 200


def test_what_has_a_kind_that_there_is_no_more_is_not_started(browser: Client, of_no_kind: Workflow, owner: User) -> None:
    assert of_no_kind.current is not None

    with pytest.raises(ValidationError, match="The step Send a fax is of the kind 'fax', which there is no more"):
        services.start(of_no_kind.current, values={}, user=owner)

    answer = browser.post(f"/workflows/{of_no_kind.pk}/run/", {"input-input": '{"a": 1}'})
    assert (answer.status_code, "of the kind &#x27;fax&#x27;" in answer.content.decode()) == (200, True)
    assert not of_no_kind.current.runs.exists()


@pytest.mark.parametrize("number", [1, MANY])
@pytest.mark.parametrize("page", LIMITS)
def test_many_workflows_cost_no_more_queries_than_one(
    browser: Client,
    make_workflow: Callable[..., Workflow],
    django_assert_max_num_queries: DjangoAssertNumQueries,
    page: str,
    number: int,
) -> None:
    for name in range(number):
        workflow = make_workflow(*STEPS, name=f"Example {name}")

    with django_assert_max_num_queries(LIMITS[page]):
        answer = browser.get(page.format(workflow=workflow.pk))

    assert answer.status_code == 200


@pytest.mark.parametrize("number", [1, MANY])
def test_what_is_offered_is_read_at_once_and_so_is_what_each_of_it_asks_for(
    make_workflow: Callable[..., Workflow],
    project: Project,
    owner: User,
    django_assert_num_queries: DjangoAssertNumQueries,
    number: int,
) -> None:
    for name in range(number):
        make_workflow(*STEPS, name=f"Example {name}")
    code = set(catalog.startables())
    # What it may is asked once.
    owner.get_all_permissions()

    with django_assert_num_queries(1):
        offered = catalog.offered(owner)
    with django_assert_num_queries(2):
        listed = catalog.all_startables(owner)

    assert offered.keys() == listed.keys()
    assert len(offered.keys() - code) == number
    assert listed["demo/example-0"].planned_tasks == [step["name"] for step in STEPS]
