"""A real browser for tests: chromium by playwright, on a server of this process. Skipped where there is no chromium.

CHROMIUM names the program where it is not on the path.
"""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from apps.executions.sse import hub
from apps.users.models import User
from tests.installation import wait_until

# In milliseconds. Playwright's own 5 and 30 s are less than a busy machine may stand still.
PATIENCE = 180_000
KEYS_UNTIL_LOST = 60
FOCUSED = """() => {
    const element = document.activeElement;
    return [element.id, element.innerText ?? "", getComputedStyle(element).outlineStyle];
}"""

type Open = Callable[..., Page]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser, for the tests of a module."""
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
    if program is None:
        pytest.skip("no chromium is installed: name one in CHROMIUM to have the pages tested in it")
    with pytest.MonkeyPatch.context() as environment, sync_playwright() as playwright:
        # Playwright runs an event loop in the thread of the tests, which Django takes for asynchronous code.
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        expect.set_options(timeout=PATIENCE)
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"], timeout=PATIENCE)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser, live_server: LiveServer) -> Iterator[Open]:
    """Open a page of the site as an account: `open_page("/executions/", user)`. What its console complains of fails the test."""
    contexts: list[Any] = []
    complaints: list[str] = []

    def opened(path: str, user: User, **options: Any) -> Page:
        client = Client()
        client.force_login(user)
        cookie = {"name": settings.SESSION_COOKIE_NAME, "value": client.session.session_key, "url": live_server.url}
        context = chromium.new_context(base_url=live_server.url, **options)
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        context.add_cookies([cookie])  # type: ignore[list-item]  # a TypedDict
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda said: complaints.append(f"{page.url}: {said.text}") if "Content Security Policy" in said.text else None,
        )
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    wait_until(server_is_at_rest, seconds=PATIENCE / 1000)
    assert complaints == []


def server_is_at_rest() -> bool:
    """Whether nothing of the pages goes on: a stream would hold the database, and may begin after its page was closed."""
    # A closed page is only noticed when something is sent to it.
    for watcher in tuple(hub._watchers):
        watcher.end()
    return not any(
        "executions-stream" in thread.name or "process_request_thread" in thread.name for thread in threading.enumerate()
    )


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
