"""Streams as they are asked for: who may, and what each kind of server does. Over the network: tests/test_streams.py."""

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from a2wsgi import WSGIMiddleware
from django.core.wsgi import get_wsgi_application
from django.db import connections
from django.test import Client

from apps.development.testing import PATIENCE, EventLoopThread
from apps.executions import sse, stream
from apps.executions.models import Execution
from apps.executions.sse import Hub, TooManyWatchers
from apps.executions.stream import Streams
from apps.executions.tests.rows import execution, person
from apps.executions.tests.watching import END, Reader, change
from apps.users.models import User
from apps.users.services import create_token
from tests.installation import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def as_user(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_one_watches_what_one_may_see(hub: Hub) -> None:
    ada, staff = person("ada"), person("staff", "view_execution")
    own, theirs = execution(user=ada), execution(user=person("bob"))
    addresses = ["/executions/{}/stream", "/executions/stream?ids={}", "/api/v1/executions/{}/stream"]

    def asked(client: Client, row: Execution) -> list[int]:
        return [client.get(address.format(row.pk)).status_code for address in addresses]

    # 204: the test's client is no server that keeps streams.
    assert asked(as_user(ada), own) == [204, 204, 204]
    assert asked(as_user(ada), theirs) == [404, 404, 404]
    assert asked(as_user(staff), theirs) == [204, 204, 204]
    assert asked(Client(), own) == [403, 403, 401]
    assert hub.polls == 0


@pytest.mark.parametrize("ids", ["", "7", "a,b", ",".join(str(uuid4()) for _ in range(101))])
def test_rows_are_named_by_their_ids(hub: Hub, ids: str) -> None:
    assert as_user(person()).get(f"/executions/stream?ids={ids}").status_code == 400


@pytest.mark.parametrize("number", ["9" * 4_301, "²", "-1", "x"])
def test_a_revision_that_is_no_number_is_none(hub: Hub, number: str) -> None:
    ada = person()
    row = execution(user=ada)
    asked = (f"{row.pk}/stream?page={number}", f"{row.pk}/stream?since={number}", f"stream?ids={row.pk}:{number}")

    for path in asked:
        answer = as_user(ada).get(f"/executions/{path}", headers={"Last-Event-ID": number})
        assert answer.status_code == 204, path


def test_beyond_the_room_there_is_when_to_come_again(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_WATCHERS", 0)
    ada = person()
    row = execution(user=ada)

    page = as_user(ada).get(f"/executions/{row.pk}/stream", SERVER_SOFTWARE="WSGIServer/0.2")
    api = as_user(ada).get(f"/api/v1/executions/{row.pk}/stream", SERVER_SOFTWARE="WSGIServer/0.2")

    assert [(answer.status_code, answer["Retry-After"]) for answer in (page, api)] == [(503, "10"), (503, "10")]


def test_a_development_server_writes_the_stream_by_a_thread(hub: Hub) -> None:
    ada = person()
    row = execution(user=ada)
    answer = as_user(ada).get(f"/executions/{row.pk}/stream", SERVER_SOFTWARE="WSGIServer/0.2")
    events: Iterator[bytes] = answer.streaming_content  # type: ignore[attr-defined]  # a StreamingHttpResponse

    assert answer["Content-Type"] == "text/event-stream"
    assert next(events) == b"retry: 2000\n\n"
    assert next(events).startswith(b"event: detail\n")
    change(row, status="completed")
    told, end, more = b"".join(events).decode().partition(END)
    assert ("ompleted" in told, end, more) == (True, END, "")


class Browser:
    """A GET of the site as an ASGI server serves it. Notes what it is sent."""

    def __init__(self, loop: EventLoopThread, user: User, path: str, **headers: str) -> None:
        sent = {"host": "testserver", "authorization": f"Bearer {create_token(user=user, name='test')}", **headers}
        scope = {
            "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": path, "root_path": "",
            "query_string": "é=ü".encode(), "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
        }  # fmt: skip
        self.loop, self.gone, self.status, self.events, self.names = loop, asyncio.Event(), 0, "", set[bytes]()
        self.site = WSGIMiddleware(get_wsgi_application(), workers=1)  # type: ignore[arg-type]  # as in config/asgi.py
        self.serving = asyncio.run_coroutine_threadsafe(Streams(self.site)(scope, self.receive, self.send), loop.loop)

    async def receive(self) -> dict[str, Any]:
        """What the server hears of the client: that it is gone."""
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        """What the server tells the client."""
        if message["type"] == "http.response.start":
            self.status, self.names = message["status"], {name for name, _ in message["headers"]}
        self.events += message.get("body", b"").decode()

    def wait_for(self, wanted: str) -> None:
        """Until that was sent."""
        wait_until(lambda: wanted in self.events, seconds=PATIENCE)

    def leave(self) -> None:
        """Close the tab."""
        self.loop.loop.call_soon_threadsafe(self.gone.set)

    def wait_for_end(self) -> None:
        """Until the server is done with it."""
        self.serving.result(PATIENCE)
        self.site.executor.submit(connections.close_all).result()
        self.site.executor.shutdown()


def test_an_asgi_server_writes_the_stream_while_its_thread_is_free(hub: Hub, loop_thread: EventLoopThread) -> None:
    ada = person()
    row = execution(user=ada, revision=3)
    browser = Browser(loop_thread, ada, f"/api/v1/executions/{row.pk}/stream", **{"last-event-id": "3"})

    browser.wait_for("retry: 2000\n\n")
    assert browser.site.executor.submit(str, "free").result(PATIENCE) == "free"
    change(row, status="completed", current_step="")
    browser.wait_for_end()

    assert browser.status == 200
    assert b"content-length" not in browser.names
    name, data, number, last = browser.events.removeprefix("retry: 2000\n\n").split("\n", 3)
    assert (name, number, last) == ("event: execution", "id: 4", f"\n{END}")
    shown = json.loads(data.removeprefix("data: "))
    assert (shown["status"], shown["revision"], shown["actions"]) == ("completed", 4, [])


def test_who_leaves_is_forgotten_and_who_may_not_watch_gets_the_answer(hub: Hub, loop_thread: EventLoopThread) -> None:
    ada = person()
    row, theirs = execution(user=ada), execution()
    leaving, refused = (Browser(loop_thread, ada, f"/api/v1/executions/{each.pk}/stream") for each in (row, theirs))

    leaving.wait_for("id: 0")
    leaving.leave()
    leaving.wait_for_end()
    refused.wait_for_end()

    wait_until(lambda: not any(thread.name == "executions-stream" for thread in threading.enumerate()), seconds=PATIENCE)
    assert refused.status == 404
    assert json.loads(refused.events)["status"] == 404


def test_an_idle_stream_is_kept_alive_and_the_end_of_the_process_ends_it(
    hub: Hub, loop_thread: EventLoopThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "KEEP_ALIVE_SECONDS", 0.05)
    ada = person()
    browser = Browser(loop_thread, ada, f"/api/v1/executions/{execution(user=ada).pk}/stream", **{"last-event-id": "0"})

    browser.wait_for(": keep-alive\n\n: keep-alive")
    hub.close()
    browser.wait_for_end()

    assert not browser.events.endswith(END)
    with pytest.raises(TooManyWatchers):
        Reader(hub, execution())
