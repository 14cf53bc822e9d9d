"""Streams of changes, answered. What is in them and when: sse.py.

Django decides in one of the site's threads, as for any request, who may watch what. Then the thread is free: `Streams`, around
the site, writes the rest. A development server has a thread for each connection and writes there; any other server answers 204,
upon which a page asks again and again.
"""

import asyncio
import signal
import string
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from functools import partial
from types import FrameType
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from apps.executions.live import DETAIL, allowed_actions, render_detail, render_row, row_event
from apps.executions.models import Execution
from apps.executions.sse import MAX_AGE, Shown, TooManyWatchers, Watcher, hub
from config.parsing import whole

type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type Application = Callable[..., Awaitable[None]]

KEEP_ALIVE_SECONDS: Final = 15.0
KEEP_ALIVE: Final = ": keep-alive\n\n"
# Milliseconds after which a browser comes back.
RETRY: Final = "retry: 2000\n\n"
RETRY_AFTER_SECONDS: Final = 10
# Rows that one stream may be about.
MAX_ROWS: Final = 100
# A revision that no execution has: the client knows nothing yet.
NOTHING: Final = -1
# Where in an ASGI scope a view leaves its watcher.
WATCHER: Final = "executions.watcher"
# What an operation of the API that responds with a stream says of itself.
EVENTS: Final = {
    "responses": {
        200: {"description": "Server-Sent Events", "content": {"text/event-stream": {"schema": {"type": "string"}}}},
        204: {"description": "This server keeps no streams: ask for the execution again and again"},
    }
}


@require_GET
def stream_detail(request: HttpRequest, execution_id: UUID) -> HttpResponseBase:
    """The changing part of an execution's page, as HTML: `page` of its tasks, newer than the revision `since`."""
    user = _signed_in(request)
    execution = get_object_or_404(Execution.objects.visible_to(user).only("pk"), pk=execution_id)
    page = whole(request.GET.get("page"), 1)

    def show(changed: Execution) -> Shown:
        return Shown(DETAIL, render_detail, (allowed_actions(user, changed), page))

    return respond(request, Watcher(user.pk, {execution.pk: revision_known(request)}, show))


@require_GET
def stream_rows(request: HttpRequest) -> HttpResponseBase:
    """Rows of the list, as HTML: `ids` names executions, each with the revision that the page has, ID:REVISION,ID:REVISION."""
    user = _signed_in(request)
    known = _rows(request.GET.get("ids", ""))
    visible = set(Execution.objects.visible_to(user).filter(pk__in=known).values_list("pk", flat=True).order_by())
    if not visible:
        raise Http404
    watched = {key: revision for key, revision in known.items() if key in visible}
    return respond(request, Watcher(user.pk, watched, lambda changed: Shown(row_event(changed), render_row)))


def revision_known(request: HttpRequest) -> int:
    """The revision that the client has: what it got last, or what its page was made of."""
    return whole(request.headers.get("Last-Event-ID"), whole(request.GET.get("since"), NOTHING))


def respond(request: HttpRequest, watcher: Watcher) -> HttpResponseBase:
    """Open the stream: 503 when too many are open, 204 where the server cannot keep one."""
    scope = request.META.get("asgi.scope", {})
    # The servers of Django for development and tests: a thread for each connection, as many as there are.
    has_thread = request.META.get("SERVER_SOFTWARE", "").startswith("WSGIServer")
    if WATCHER not in scope and not has_thread:
        return HttpResponse(status=204)
    try:
        hub.join(watcher)
    except TooManyWatchers:
        return HttpResponse("Too many streams are open.", status=503, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
    # The second header is for nginx, which would hold the events back.
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    if WATCHER in scope:
        scope[WATCHER] = watcher
        return HttpResponse(content_type="text/event-stream", headers=headers)
    return StreamingHttpResponse(_written_by_thread(watcher), content_type="text/event-stream", headers=headers)


class Streams:
    """ASGI: the site, with its streams written here. They end when the process is told to, or its server would wait for them."""

    def __init__(self, site: Application) -> None:
        self.site = site

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request, or the process's life."""
        if scope["type"] == "lifespan":
            _close_on_signal(asyncio.get_running_loop())
        if scope["type"] != "http":
            await self.site(scope, receive, send)
            return
        scope[WATCHER] = None
        # a2wsgi takes ASCII alone, browsers send what was typed.
        scope["query_string"] = quote(scope["query_string"], safe=string.punctuation).encode()
        try:
            await self.site(scope, partial(_received, receive), partial(_pass_on, scope, send))
            if scope[WATCHER]:
                await _write(scope[WATCHER], receive, send)
        finally:
            if scope[WATCHER]:
                hub.leave(scope[WATCHER])


async def _received(receive: Receive) -> Message:
    """As a coroutine, which a2wsgi needs to read a body: what granian gives can only be awaited."""
    return await receive()


async def _pass_on(scope: Message, send: Send, message: Message) -> None:
    """Send on what the site says. Where it opened a stream that is the beginning, without the end."""
    if scope[WATCHER] and message.get("status", 200) != 200:  # noqa: PLR2004  a middleware thought better of it
        hub.leave(scope[WATCHER])
        scope[WATCHER] = None
    if not scope[WATCHER]:
        await send(message)
    elif message["type"] == "http.response.start":
        await send({**message, "headers": [header for header in message["headers"] if header[0] != b"content-length"]})


async def _write(watcher: Watcher, receive: Receive, send: Send) -> None:
    loop, woken = asyncio.get_running_loop(), asyncio.Event()
    watcher.wake = partial(loop.call_soon_threadsafe, woken.set)
    # For what came before.
    woken.set()
    client = loop.create_task(_until_gone(receive, watcher))
    text, is_last = RETRY, False
    try:
        # A client that takes nothing is not waited for longer than one that does.
        async with asyncio.timeout(MAX_AGE + KEEP_ALIVE_SECONDS):
            while not is_last:
                if text:
                    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
                try:
                    await asyncio.wait_for(woken.wait(), KEEP_ALIVE_SECONDS)
                except TimeoutError:
                    text = KEEP_ALIVE
                else:
                    woken.clear()
                    text, is_last = watcher.take()
            await send({"type": "http.response.body", "body": text.encode()})
    finally:
        client.cancel()


async def _until_gone(receive: Receive, watcher: Watcher) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    watcher.end()


def _written_by_thread(watcher: Watcher) -> Iterator[str]:
    woken = threading.Event()
    watcher.wake = woken.set
    woken.set()
    is_last = False
    try:
        yield RETRY
        while not is_last:
            was_woken = woken.wait(KEEP_ALIVE_SECONDS)
            woken.clear()
            text, is_last = watcher.take()
            if text or not was_woken:
                yield text or KEEP_ALIVE
    finally:
        hub.leave(watcher)


def _close_on_signal(loop: asyncio.AbstractEventLoop) -> None:
    """End all streams when the process is told to end, and let the server do what it does then."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, partial(_close, loop, signal.getsignal(number)))


def _close(loop: asyncio.AbstractEventLoop, before: Any, number: int, frame: FrameType | None) -> None:
    loop.call_soon_threadsafe(hub.close)
    if callable(before):
        before(number, frame)


def _signed_in(request: HttpRequest) -> Any:
    if not request.user.is_authenticated:
        raise PermissionDenied("Sign in to watch executions.")
    return request.user


def _rows(listed: str) -> dict[UUID, int]:
    try:
        pairs = [each.partition(":") for each in listed.split(",")]
        known = {UUID(key): whole(revision, NOTHING) for key, _, revision in pairs}
    except ValueError as error:
        raise BadRequest("ids: ID:REVISION,ID:REVISION …") from error
    if len(known) > MAX_ROWS:
        raise BadRequest(f"A stream is about at most {MAX_ROWS} executions.")
    return known
