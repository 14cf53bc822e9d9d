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
from playwright.sync_api import Browser, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from apps.executions.sse import hub
from apps.users.models import User
from tests.installation import wait_until

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
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
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
    # Their streams would hold the database: a closed page is only noticed when something is sent to it.
    for watcher in tuple(hub._watchers):
        watcher.end()
    wait_until(lambda: "executions-stream" not in {thread.name for thread in threading.enumerate()}, seconds=10)
    assert complaints == []
