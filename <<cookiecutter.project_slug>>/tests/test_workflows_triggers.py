"""What starts workflows, in a real browser: on narrow and wide screens, and without a serious fault of access."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from playwright.sync_api import expect

from apps.executions.models import Execution
from apps.executions.tests.rows import person
from apps.triggers import addresses, firing, services
from apps.triggers.kinds import Delivery
from apps.triggers.models import Trigger
from apps.users.models import User
from apps.workflows import services as workflows
from apps.workflows.definitions import DefinitionDoc
from apps.workflows.models import Workflow
from tests.browsing import Open

pytestmark = pytest.mark.django_db(transaction=True)
SIZES = ({"width": 390, "height": 844}, {"width": 1280, "height": 900})
AMOUNT = {"type": "object", "properties": {"amount": {"type": "integer"}}, "required": ["amount"], "additionalProperties": False}


@pytest.fixture
def ada(db: None) -> User:
    return person("ada")


@pytest.fixture
def workflow(ada: User) -> Workflow:
    document = {"name": "Orders", "input_schema": AMOUNT, "steps": [{"key": "start", "kind": "trigger", "name": "Start"}]}
    project = workflows.create_project(name="Shop", owner=ada)
    made = workflows.create_workflow(project, user=ada, document=DefinitionDoc.model_validate(document))
    workflows.publish(made, user=ada)
    return made


def make(workflow: Workflow, kind: str, **config: Any) -> Trigger:
    user = workflow.created_by
    return services.create_trigger(workflow, user=user, kind=kind, name=f"A {kind} of a rather long name", config=config)


def path_of(form: Trigger) -> str:
    return addresses.of(form).partition(settings.SITE_DOMAIN)[2]


@pytest.mark.parametrize(("size", "colours"), [(SIZES[0], "light"), (SIZES[1], "dark")], ids=["narrow-light", "wide-dark"])
def test_the_pages_fit_and_can_be_read_by_everyone(
    open_page: Open, ada: User, workflow: Workflow, size: Any, colours: str
) -> None:
    own = f"/workflows/{workflow.pk}/triggers/"
    page = open_page(own, ada, viewport=size, color_scheme=colours)
    webhook, forms = services.renew_key(make(workflow, "webhook"), user=ada), make(workflow, "google-forms")
    cron, form = make(workflow, "cron", cron=["0 9 * * MON-FRI", "0 6 1 * *"]), make(workflow, "form", introduction="How many?")
    for number, data in enumerate(({"amount": 1}, {"amount": "a" * 60}, {})):
        firing.fire(webhook, Delivery(event_id=f"msg_{number}" + 60 * "x", data=data))
    public = path_of(form)
    paths = [
        own,
        *(f"{own}new/{kind}/" for kind in ("cron", "interval", "webhook", "email", "form")),
        *(f"/triggers/{trigger.pk}/" for trigger in (webhook, forms, cron)),
        *(f"/triggers/{cron.pk}/{way}/" for way in ("edit", "fire", "delete")),
        public,
        f"{public}thanks/",
    ]

    for path in ["", *paths]:
        page.goto(path or own)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], path
        found = Axe().run(page)
        assert [each["id"] for each in found.response["violations"] if each["impact"] in {"serious", "critical"}] == [], path


def test_somebody_sets_a_time_and_somebody_else_fills_in_a_form(open_page: Open, ada: User, workflow: Workflow) -> None:
    page = open_page(f"/workflows/{workflow.pk}/triggers/", ada)
    page.get_by_role("link", name="At set times").click()
    page.get_by_label("Name").fill("Mornings")
    page.get_by_label("At", exact=True).fill("09:05")
    page.get_by_label("Mon").check()
    page.get_by_label("Input of the workflow").fill("amount: 5")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("heading", name="Mornings")).to_be_visible()
    assert Trigger.objects.get().config["cron"] == ["5 9 * * MON"]

    page.goto(f"/workflows/{workflow.pk}/triggers/")
    page.get_by_role("link", name="Public form").click()
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("heading", name="Public form")).to_be_visible()
    form = Trigger.objects.get(kind="form")
    page.context.clear_cookies()
    page.goto(path_of(form))
    page.get_by_label("Amount").fill("7")
    page.get_by_role("button", name="Send").click()

    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert Execution.objects.get(trigger="form").input == {"amount": 7}
