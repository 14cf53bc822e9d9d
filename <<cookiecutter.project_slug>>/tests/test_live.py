"""What changes on pages while somebody looks at them, in a real browser: by a stream, and without one."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from apps.executions.tests.rows import end, execution, person, tell
from apps.users.models import User
from tests.browsing import PATIENCE, Open, tab_to
from tests.installation import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2027, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def ada(db: None) -> User:
    return person("ada", is_staff=True, is_superuser=True)


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
    # However soon one message comes after the other: no moment passes between them.
    stand_still(page)
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


def test_an_answer_that_comes_after_the_stream_is_open_is_not_shown(open_page: Open, ada: User) -> None:
    row, _ = execution("running", ada), execution("running", ada)
    page = open_page("/executions/new/", ada)
    stand_still(page)
    streams = hold(page, "**/stream*")
    page.goto("/executions/")
    stream, answers = first(page, streams), hold(page, "**/executions/")
    page.clock.run_for(3_000)
    late = first(page, answers)
    answer = late.fetch()
    shown = page.locator(f"#row-{row.pk}")

    stream.continue_()
    end(row)
    expect(shown).to_contain_text("completed")
    page.evaluate(
        "window.isOver = new Promise(say => document.addEventListener('htmx:afterRequest', () => say(true))); undefined"
    )
    late.fulfill(response=answer)

    assert page.evaluate("window.isOver")
    assert "completed" in shown.inner_text()


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


def stand_still(page: Page) -> None:
    """Stop the page's clock until the test moves it."""
    page.clock.install(time=NOON - timedelta(hours=1))
    page.clock.pause_at(NOON)


def hold(page: Page, asked: str) -> list[Route]:
    """Answer nothing that the page asks of there, and give what it has asked."""
    held: list[Route] = []

    def keep(route: Route) -> None:
        held.append(route)

    page.route(asked, keep)
    return held


def first(page: Page, held: list[Route]) -> Route:
    """What is held, as soon as it was asked."""
    wait_until(lambda: page.evaluate("true") and bool(held), seconds=PATIENCE / 1000)
    return held[0]


def unstreamed(open_page: Open, place: str, user: User) -> tuple[Page, Callable[[], int]]:
    """A page that gets no stream, whose clock the test moves, and what says how often it has asked until now."""
    page = open_page("/executions/new/", user)

    def refuse(route: Route) -> None:
        route.fulfill(status=204)

    page.route("**/stream*", refuse)
    stand_still(page)
    with page.expect_response("**/stream*"):
        page.goto(place)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))

    def asked() -> int:
        # What it has asked before it asks for this is known when this is answered.
        page.evaluate("fetch('/static/favicon.svg')")
        return sum("/stream" not in url and "/static/" not in url for url in requests)

    return page, asked
