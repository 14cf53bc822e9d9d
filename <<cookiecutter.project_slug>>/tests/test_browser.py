"""The pages in a real browser: on narrow and wide screens, light and dark, by keyboard alone, and live."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from apps.executions import projection
from apps.executions.models import Execution, TaskExecution
from apps.executions.shared import TaskRecord
from apps.executions.tests.rows import execution, person
from apps.reports import writing
from apps.reports.models import Report
from apps.users.models import User
from tests.browsing import Open

pytestmark = pytest.mark.django_db(transaction=True)

KEYS_UNTIL_LOST = 60
FOCUSED = """() => {
    const element = document.activeElement;
    return [element.id, element.innerText ?? "", getComputedStyle(element).outlineStyle];
}"""
# Stands still until a test moves it.
NOON = datetime(2027, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def ada(db: None) -> User:
    return person("ada", is_staff=True, is_superuser=True)


def tell(row: Execution, activity: str, status: str = "running", **fields: Any) -> None:
    """What a worker would say of an activity of the execution."""
    now = timezone.now()
    record = TaskRecord(
        workflow_id=row.temporal_workflow_id,
        workflow=row.workflow,
        run_id=row.temporal_run_id,
        activity_id=activity,
        name=f"step_{activity}",
        number=1,
        status=status,
        scheduled_at=now - timedelta(seconds=2),
        started_at=now - timedelta(seconds=1),
        completed_at=now if status != "running" else None,
        **fields,
    )
    projection.record([record])


def end(row: Execution, status: str = "completed") -> None:
    row.refresh_from_db()
    projection.change(row, status, status, by="workflow", at=timezone.now() - timedelta(minutes=1))


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the element of that name or id has the focus, which must be visible there."""
    for _ in range(KEYS_UNTIL_LOST):
        page.keyboard.press("Tab")
        # At once: what is live may be replaced between two questions.
        key, text, outline = page.evaluate(FOCUSED)
        if name in {key, text.strip()}:
            assert outline != "none"
            return
    raise AssertionError(f"Tab never reached {name!r}")


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


def test_progress_moves_without_reload_and_the_focus_stays(open_page: Open, ada: User) -> None:
    row = execution("running", ada)
    tell(row, "1")
    page = open_page(f"/executions/{row.pk}/", ada)
    page.evaluate("window.isTheSame = true")
    tab_to(page, "do-cancel")

    tell(row, "1", progress=(3, 10, "rows"))
    expect(page.locator(".timeline")).to_contain_text("3 of 10 rows")
    tell(row, "1", "success")
    tell(row, "2")
    expect(page.locator(".standing")).to_contain_text("1 of 2 tasks done")
    expect(page.locator("#do-cancel")).to_be_focused()
    end(row)

    expect(page.locator(".standing")).to_contain_text("Completed")
    expect(page.locator("#announced")).to_have_text("completed")
    expect(page.locator("#do-cancel")).to_have_count(0)
    assert page.evaluate("window.isTheSame")


def test_rows_of_the_list_move_without_reload(open_page: Open, ada: User) -> None:
    row, other = execution("running", ada), execution("running", ada)
    page = open_page("/executions/", ada)
    page.evaluate("window.isTheSame = true")
    shown = page.locator(f"#row-{row.pk}")

    for number in ("1", "2"):
        tell(row, number)
        expect(shown).to_contain_text(f"step_{number}")
        tell(row, number, "success")
        expect(shown).to_contain_text(f"{number} of {number}")
    end(row)

    expect(shown).to_contain_text("completed")
    expect(page.locator(f"#row-{other.pk}")).to_contain_text("running")
    assert page.evaluate("window.isTheSame")


@pytest.mark.parametrize("place", ["", "{}/"])
def test_a_page_without_a_stream_asks_every_few_seconds_until_the_end(place: str, open_page: Open, ada: User) -> None:
    row = execution("running", ada)
    page, asked = unstreamed(open_page, f"/executions/{place.format(row.pk)}", ada)

    tell(row, "1", "success")
    page.clock.run_for(3_000)
    expect(page.locator("#live")).to_contain_text("1 of 1")
    end(row)
    page.clock.run_for(3_000)
    expect(page.locator("#live .state").first).to_have_text("completed", ignore_case=True)
    expect(page.locator("#live > [data-every='0']")).to_be_attached()
    before = asked()
    page.clock.run_for(60_000)

    assert asked() == before


def test_a_page_without_a_stream_asks_again_after_the_site_was_away(open_page: Open, ada: User) -> None:
    row = execution("running", ada)
    page, _ = unstreamed(open_page, f"/executions/{row.pk}/", ada)
    page.route("**/live*", lambda route: route.abort(), times=1)
    page.evaluate("window.isAway = new Promise(say => document.addEventListener('htmx:sendError', () => say(true))); undefined")

    page.clock.run_for(3_000)
    assert page.evaluate("window.isAway")
    tell(row, "1", "success")
    page.clock.run_for(3_000)

    expect(page.locator("#live")).to_contain_text("1 of 1")


def test_a_paused_execution_is_asked_about_less_and_a_hidden_page_asks_nothing(open_page: Open, ada: User) -> None:
    row = execution("paused", ada)
    page, asked = unstreamed(open_page, f"/executions/{row.pk}/", ada)

    page.clock.run_for(9_000)
    assert asked() == 0
    with page.expect_response("**/live*"):
        page.clock.run_for(2_000)

    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    before = asked()
    page.clock.run_for(60_000)
    assert asked() == before
    page.evaluate("Object.defineProperty(document, 'hidden', {value: false})")
    with page.expect_response("**/live*"):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_whoever_was_signed_out_is_sent_to_the_sign_in_page(open_page: Open, ada: User) -> None:
    row = execution("running", ada)
    page, _ = unstreamed(open_page, f"/executions/{row.pk}/", ada)
    page.context.clear_cookies()

    page.clock.run_for(3_000)

    expect(page).to_have_url(f"/accounts/login/?next=/executions/{row.pk}/")


def test_a_page_works_without_scripts(open_page: Open, ada: User) -> None:
    row = execution("pending", ada)
    TaskExecution.objects.create(execution=row, name="step", activity_id="1")
    page = open_page(f"/executions/{row.pk}/", ada, java_script_enabled=False)

    page.get_by_role("button", name="Start").click()

    expect(page.locator(".standing")).to_contain_text("Queued")


def unstreamed(open_page: Open, place: str, user: User) -> tuple[Page, Callable[[], int]]:
    """A page that gets no stream, whose clock the test moves, and what says how often it has asked until now."""
    page = open_page("/executions/new/", user)

    def refuse(route: Route) -> None:
        route.fulfill(status=204)

    page.route("**/stream*", refuse)
    page.clock.install(time=NOON - timedelta(hours=1))
    page.clock.pause_at(NOON)
    with page.expect_response("**/stream*"):
        page.goto(place)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))

    def asked() -> int:
        # What it has asked before it asks for this is known when this is answered.
        page.evaluate("fetch('/static/favicon.svg')")
        return sum("/stream" not in url and "/static/" not in url for url in requests)

    return page, asked
