"""Streams over the network, from the web process as production starts it."""

import http.client
import json
import os
import threading
import time

import pytest

from apps.executions.sse import INTERVAL
from tests.installation import PATIENCE, Installation, wait_until
from tests.web import Api, serving

SIGNED_IN = (
    "from django.test import Client; client = Client(); client.force_login(User.objects.get()); "
    "print(client.cookies['sessionid'].value)"
)
# In seconds. What is promised is measured where the machine is quiet: elsewhere it may stand still for longer.
PROMISED = 2.0
LATEST = PROMISED if "MANY_STREAMS" in os.environ else PATIENCE
# A stream that nobody ends lives for five minutes.
PROMPTLY = 60.0


class Watching:
    """A client with a stream. `seen` has what came last and when, by the clock that time.time reads."""

    def __init__(self, api: Api, path: str, cookie: str = "") -> None:
        self.api, self.path = api, path
        self.headers = {"Cookie": f"sessionid={cookie}"} if cookie else {"Authorization": f"Bearer {api.token}"}
        self.seen, self.events, self.ended, self.opened = ("", 0.0), 0, False, threading.Event()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", int(self.api.address.rpartition(":")[2]), timeout=PATIENCE)
        connection.request("GET", self.path, headers=self.headers)
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        event: list[str] = []
        while line := answer.readline().decode():
            self.opened.set()
            event.append(line)
            if line == "\n":
                self._note("".join(event))
                event = []
        connection.close()

    def _note(self, event: str) -> None:
        if event.startswith("event: end"):
            self.ended = True
        elif event.startswith("event:"):
            self.seen, self.events = (event, time.time()), self.events + 1


def test_what_ends_just_after_a_look_is_seen_in_time_at_the_next() -> None:
    assert 2 * INTERVAL < PROMISED


@pytest.mark.parametrize(
    ("clients", "executions", "changes"),
    [
        (20, 4, 50),
        pytest.param(
            50, 10, 1_000,
            marks=pytest.mark.skipif("MANY_STREAMS" not in os.environ, reason="takes a minute: MANY_STREAMS=1 runs it"),
        ),
    ],
)  # fmt: skip
def test_all_see_the_end_within_two_seconds_of_it(
    installation: Installation, api: Api, clients: int, executions: int, changes: int
) -> None:
    cookie = installation.manage("shell", "--verbosity=0", "-c", SIGNED_IN).splitlines()[-1]
    ids = [line.split()[0] for line in installation.manage("changeexecutions", str(executions), "1").splitlines()]
    page, program = "/executions/{}/stream", "/api/v1/executions/{}/stream"
    watching = [
        Watching(api, (program if number % 2 else page).format(ids[number // 2 % executions]), "" if number % 2 else cookie)
        for number in range(clients)
    ]
    assert all(each.opened.wait(PATIENCE) for each in watching)

    printed = installation.manage("changeexecutions", str(executions), str(changes), "--finish").splitlines()
    ended = {key: float(when) for key, when in (line.split() for line in printed)}
    wait_until(lambda: all(each.ended for each in watching))

    latest = max(each.seen[1] - when for key, when in ended.items() for each in watching if key in each.path)
    assert latest < LATEST
    for each in watching:
        data = each.seen[0].partition("data: ")[2].partition("\n")[0]
        is_page = each.path.startswith("/executions")
        assert ('data-state="completed"' in each.seen[0]) if is_page else (json.loads(data)["status"] == "completed")


def test_a_process_that_is_told_to_end_ends_its_streams(installation: Installation) -> None:
    (key,) = (line.split()[0] for line in installation.manage("changeexecutions", "1", "1").splitlines())
    with serving(installation) as api:
        watching = Watching(api, f"/api/v1/executions/{key}/stream")
        wait_until(lambda: watching.events)
        told = time.monotonic()

    assert time.monotonic() - told < PROMPTLY
    watching.thread.join(PATIENCE)
    assert not watching.thread.is_alive()
    assert not watching.ended
