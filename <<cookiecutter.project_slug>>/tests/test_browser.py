"""The pages in a real browser: on narrow and wide screens, light and dark, and by keyboard alone."""

from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from apps.executions.models import Execution, TaskExecution
from apps.executions.tests.rows import end, execution, person, tell
from apps.reports import writing
from apps.reports.models import Report
from apps.users.models import User
from tests.browsing import Open, tab_to

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ada(db: None) -> User:
    return person("ada", is_staff=True, is_superuser=True)


def enter(page: Page) -> None:
    """Press Enter, and be on the page that it leads to: keys do not wait for it as clicks do."""
    with page.expect_navigation():
        page.keyboard.press("Enter")


@pytest.fixture
def failed(ada: User) -> Execution:
    """One of everything that a page can show."""
    row = execution("running", ada, input={"user_id": 1}, workflow="batch_processing", temporal_workflow_id="batch-" + 60 * "x")
    tell(row, "1", "success", output={"rows": 5000}, log=["a line " + 40 * "y"])
    tell(row, "2", "failed", error="ConnectionRefusedError: " + 60 * "z", progress=(400, 1000, "rows 1 to 400"))
    end(row, "failed")
    Execution.objects.filter(pk=row.pk).update(error_message="UnknownUser: " + 60 * "w", result={"a": [1, 2]})
    for status in Execution.Status.values:
        execution(status, ada, current_step="process_user_activity", tasks_done=1, tasks_total=3)
    for event, read_at in (("failure", None), ("success", timezone.now())):
        row.notifications.create(attempt=2, event=event, channel="inapp", user=ada, reason=60 * "v", read_at=read_at)
    return row


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (390, "light"), (1280, "dark"), (1280, "light")])
def test_pages_fit_their_screen_and_can_be_read_by_everybody(
    width: int, scheme: Literal["light", "dark"], open_page: Open, ada: User, failed: Execution
) -> None:
    nobody = person("nobody")
    a_task = failed.tasks.all()[1].pk
    own = ["", "?q=x", "new/", "new/?workflow=batch_processing", "dashboard/", f"{failed.pk}/", f"{failed.pk}/reset/"]
    inbox = ["/inbox/", "/inbox/settings/", "/inbox/settings/?workflow=batch_processing"]
    write_up(failed)
    reports = ["/reports/", f"/reports/?execution={failed.pk}"]
    places = [*(f"/executions/{place}" for place in own), f"/executions/{failed.pk}/tasks/{a_task}/", *inbox, *reports, "/"]
    page = open_page("/executions/", nobody, viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert problems_of(page, width) == []

    page = open_page("/executions/", ada, viewport={"width": width, "height": 800}, color_scheme=scheme)
    found = {}
    for place in places:
        page.goto(place)
        found[place] = problems_of(page, width)

    assert {place: problems for place, problems in found.items() if problems} == {}


def write_up(row: Execution) -> None:
    """A report that its end has asked for, beside one that waits and one that failed."""
    Report.objects.create(execution=row, attempt=row.attempt, format="pdf").failed("It could not be written: " + 60 * "u")
    report = Report.objects.get(execution=row, format="html")
    assert writing.write(report), report.error


def problems_of(page: Page, width: int) -> list[str]:
    """What axe finds, and what sticks out of the screen."""
    violations = Axe().run(page).response["violations"]
    problems = [f"{each['id']}: {each['nodes'][0]['html']}" for each in violations]
    broad = page.evaluate("document.documentElement.scrollWidth")
    return [*problems, f"{broad} px"] if broad > width else problems


def test_an_execution_is_planned_started_and_canceled_by_keyboard_alone(open_page: Open, ada: User) -> None:
    page = open_page("/executions/", ada)
    tab_to(page, "New execution")
    enter(page)
    tab_to(page, "User onboarding")
    enter(page)
    for field, text in (("user_id", str(ada.pk + 1)), ("email", "bob@example.com"), ("name", "Bob")):
        tab_to(page, f"id_input-{field}")
        page.keyboard.type(text)
    tab_to(page, "Plan it")
    enter(page)
    expect(page.locator(".standing")).to_contain_text("Planned")

    tab_to(page, "Start")
    enter(page)
    expect(page.locator(".standing")).to_contain_text("Queued")
    tab_to(page, "Cancel")
    enter(page)
    tab_to(page, "id_reason")
    page.keyboard.type("a mistake")
    enter(page)

    expect(page.locator(".standing")).to_contain_text("Canceled")
    expect(page.locator(".trail")).to_contain_text("a mistake")


def test_a_page_works_without_scripts(open_page: Open, ada: User) -> None:
    row = execution("pending", ada)
    TaskExecution.objects.create(execution=row, name="step", activity_id="1")
    page = open_page(f"/executions/{row.pk}/", ada, java_script_enabled=False)

    page.get_by_role("button", name="Start").click()

    expect(page.locator(".standing")).to_contain_text("Queued")
