"""The editor in a real browser: from nothing to a workflow that has run, and every page for every screen and every reader."""

from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import Permission
from playwright.sync_api import Page, expect

from apps.development.testing import Temporal
from apps.executions.models import Execution
from apps.executions.tests.rows import person
from apps.temporal import relay
from apps.users.models import User
from apps.workflows import services
from apps.workflows.definitions import DefinitionDoc
from apps.workflows.models import StepRun, Workflow
from tests.browsing import Open

pytestmark = pytest.mark.django_db(transaction=True)

LONG = 40 * "y"
NARROW = 390
EXAMPLE = {
    "name": "Refund " + LONG,
    "description": 80 * "z",
    "input_schema": {
        "type": "object",
        "properties": {"amount": {"type": "integer", "description": LONG}, LONG: {"type": "string"}},
    },
    "steps": [
        {"key": "start", "kind": "trigger", "name": "Start", "next": [{"to": "choose"}]},
        {
            "key": "choose",
            "kind": "condition",
            "name": "Large? " + LONG,
            "next": [{"to": "think", "condition": "input.amount > 100"}, {"to": "note"}],
        },
        {"key": "think", "kind": "wait", "name": "Think", "config": {"hours": 1}, "next": [{"to": "note"}]},
        {"key": "note", "kind": "values", "name": "Note", "config": {"values": {LONG: "{{ input.amount }}"}}},
    ],
}


@pytest.fixture
def ada(db: None) -> User:
    ada = person("ada")
    ada.user_permissions.add(Permission.objects.get(codename="add_project"))
    return ada


def refund(ada: User) -> Workflow:
    """One with two versions, a draft that has a problem, and an execution that waits."""
    document = DefinitionDoc.model_validate(EXAMPLE)
    project = services.create_project(name="Sales", owner=ada)
    services.set_member(project, user=person("bob"), role="viewer")
    workflow = services.create_workflow(project, user=ada, document=document)
    version = services.publish(workflow, user=ada)
    execution = services.start(version, values={"amount": 500}, user=ada)
    for key, status in (("start", "success"), ("choose", "success"), ("think", "waiting")):
        StepRun.objects.create(execution=execution, key=key, name=key, kind="values", status=status, output={LONG: LONG})
    StepRun.objects.filter(key="choose").update(decision="think", reason="input.amount > 100")
    document.steps[3].name = "Note it"
    services.change_draft(workflow, document)
    services.publish(workflow, user=ada, note=LONG)
    document.steps[1].next.pop()
    services.change_draft(workflow, document)
    return workflow


def add(page: Page, kind: str, name: str, *, after: str = "", only_if: str = "", **told: str) -> None:
    """Add a step as a person does."""
    page.get_by_role("link", name="Add a step", exact=True).click()
    page.get_by_role("link", name=kind, exact=True).click()
    page.get_by_label("Name", exact=True).fill(name)
    for label, text in told.items():
        page.get_by_label(label, exact=True).fill(text)
    if after:
        page.get_by_label("It follows").select_option(label=after)
    page.get_by_label("Only if").fill(only_if)
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("status")).to_contain_text("Saved")


@pytest.mark.parametrize("width", [390, 1280])
def test_a_workflow_is_made_published_and_run_by_somebody_who_writes_no_code(
    width: int, open_page: Open, ada: User, temporal: Temporal
) -> None:
    page = open_page("/workflows/", ada, viewport={"width": width, "height": 800})
    page.get_by_role("link", name="Make the first one").click()
    page.get_by_label("Name").fill("Sales")
    page.get_by_role("button", name="Make it").click()
    page.get_by_role("link", name="New workflow").click()
    page.get_by_label("Name").fill("Refund")
    page.get_by_role("button", name="Make it").click()

    page.get_by_role("link", name="Change what it asks for").click()
    page.get_by_label("Name").first.fill("amount")
    page.get_by_label("Type").first.select_option(label="Whole number")
    page.get_by_label("Needed").first.check()
    page.get_by_role("button", name="Save").click()
    add(page, "Start", "Start")
    add(page, "Condition", "Large?")
    expect(page.get_by_role("heading", name="To be mended")).to_be_visible()
    add(page, "Values", "Note", Values="said: {{ input.amount }} it is")
    add(page, "Wait", "Think", Hours="0.00001", after="Large?", only_if="input.amount > 100")

    expect(page.get_by_text("It can be published")).to_be_visible()
    expect(page.get_by_role("region", name="Picture of the steps").get_by_role("link")).to_have_count(4)
    page.get_by_role("button", name="Publish").click()
    page.get_by_role("link", name="Run", exact=True).click()
    page.get_by_label("Amount").fill("500")
    page.get_by_role("button", name="Start now").click()
    expect(page.locator(".standing")).to_contain_text("Queued")
    execution = Execution.objects.get(workflow="sales/refund")
    relay.deliver_all()
    temporal.run(temporal.client.get_workflow_handle(execution.temporal_workflow_id).result())

    expect(page.locator(".standing")).to_contain_text("Completed")
    expect(page.locator(".graph .node.good")).to_have_count(4)
    expect(page.locator(".graph .line.taken")).to_have_count(3)
    expect(page.locator(".steps-run")).to_contain_text("went to Think: input.amount > 100")
    page.get_by_role("link", name="Note", exact=True).first.click()
    expect(page.locator("pre")).to_contain_text("500 it is")


def test_what_is_wrong_is_said_while_somebody_writes_and_leads_to_its_field(open_page: Open, ada: User) -> None:
    workflow = refund(ada)
    page = open_page(f"/workflows/{workflow.pk}/edit/", ada)
    # The whole page: before its scripts are there, nothing is checked.
    with page.expect_navigation():
        page.locator(".checks").get_by_role("link", name="Large?").click()

    page.get_by_label("If").first.fill("inputs.amount > 1")
    page.keyboard.press("Tab")
    expect(page.locator("#checked")).to_contain_text("speaks of inputs")
    page.locator("#checked").get_by_role("link", name="If").click()
    expect(page.get_by_label("If").first).to_be_focused()
    page.get_by_label("If").first.fill("input.amount > 1")
    page.keyboard.press("Tab")
    expect(page.locator("#checked")).to_contain_text("Nothing is wrong")

    page.get_by_label("Otherwise go to").select_option(label="Note it")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("It can be published")).to_be_visible()


def test_steps_are_moved_by_keyboard_and_without_scripts(open_page: Open, ada: User) -> None:
    workflow = refund(ada)
    page = open_page(f"/workflows/{workflow.pk}/edit/", ada, java_script_enabled=False)

    page.get_by_role("button", name="Move Note it up").focus()
    page.keyboard.press("Enter")

    expect(page.locator(".steps > li > a").nth(2)).to_have_text("Note it")


@pytest.mark.parametrize(("width", "scheme"), [(NARROW, "dark"), (1280, "light")])
def test_pages_of_workflows_fit_their_screen_and_can_be_read_by_everybody(
    width: int, scheme: Literal["light", "dark"], open_page: Open, ada: User
) -> None:
    page = open_page("/workflows/", ada, viewport={"width": width, "height": 800}, color_scheme=scheme)
    found = {
        place: problems_of(page, width, place) for place in ("/workflows/", "/workflows/projects/", "/workflows/projects/new/")
    }
    workflow = refund(ada)
    execution, step = Execution.objects.get(workflow__contains="/"), StepRun.objects.get(key="choose")
    own = ["", "versions/2/", "compare/", "compare/?old=1&new=2", "rename/", "delete/", "run/", "edit/", "edit/input/"]
    adding = [
        "edit/steps/new/",
        "edit/steps/new/?kind=for-each",
        "edit/steps/new/?kind=approval&after=note",
        "edit/steps/choose/",
    ]
    places = [
        *("/workflows/", "/workflows/?q=nothing", "/workflows/new/", "/workflows/projects/"),
        f"/workflows/projects/{workflow.project_id}/",
        *(f"/workflows/{workflow.pk}/{place}" for place in (*own, *adding)),
        *(f"/executions/{execution.pk}/", f"/workflows/runs/{execution.pk}/steps/{step.pk}/"),
    ]

    drawn = {f"/workflows/{workflow.pk}/edit/", f"/executions/{execution.pk}/"}
    # Their words and colours are the same on the broader screen, where only what has a picture is read again.
    found |= {place: problems_of(page, width, place, is_read=width == NARROW or place in drawn) for place in places}

    assert {place: problems for place, problems in found.items() if problems} == {}


def problems_of(page: Page, width: int, place: str, *, is_read: bool = True) -> list[str]:
    """What axe finds on a page, and what sticks out of the screen."""
    response = page.goto(place)
    assert response is not None
    assert response.status == 200, place
    violations = Axe().run(page).response["violations"] if is_read else []
    problems = [f"{each['id']}: {each['nodes'][0]['html']}" for each in violations]
    broad = page.evaluate("document.documentElement.scrollWidth")
    return [*problems, f"{broad} px"] if broad > width else problems
