"""Temporal comes late, or goes away for some seconds under load: every request is answered, and all of it starts once."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from statistics import quantiles

import pytest
from temporalio.client import Client

from apps.development.ports import free_port
from apps.development.server import DEV_SERVER_ARGS
from apps.development.testing import EventLoopThread
from apps.temporal.plugin import DjangoPlugin
from tests.installation import PATIENCE, ROOT, Installation, wait_until
from tests.web import Api, serving

# SECONDS_AWAY=60 pytest tests/test_faults_temporal.py: a longer absence.
SECONDS_AWAY = float(os.environ.get("SECONDS_AWAY", "5"))
STARTS_PER_SECOND, SECONDS_BEFORE, SECONDS_AFTER = 50, 1, 1
UNSENT = "SELECT count(*) FROM temporal_outboxmessage WHERE status <> 'sent'"
# If requests waited for Temporal, for the client's 5 s each, and four at a time, the last answer of 250 would come after 300 s.
SLOWEST_ANSWER = 60.0


class TemporalServer:
    """A server that keeps its executions in a file and can be stopped and started again under the same address."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.log = folder / "temporal.log"
        self.address = f"127.0.0.1:{self.port}"
        options = ["--port", str(self.port), "--database", str(folder / "temporal.db"), *DEV_SERVER_ARGS]
        self.command = [sys.executable, "-m", "apps.development.server", *options]

    @contextmanager
    def running(self) -> Iterator[None]:
        """It answers inside this block, and nobody does after it."""
        pipe = subprocess.PIPE
        with self.log.open("a") as log, subprocess.Popen(self.command, cwd=ROOT, stdout=pipe, stderr=log, text=True) as server:
            assert server.stdout is not None
            assert server.stdout.readline().strip() == "ready"
            try:
                yield
            finally:
                server.terminate()


@pytest.fixture
def server(tmp_path: Path) -> TemporalServer:
    return TemporalServer(tmp_path)


def test_a_worker_that_starts_before_the_server_connects_when_it_comes(
    installation: Installation, server: TemporalServer
) -> None:
    with installation.worker(TEMPORAL_ADDRESS=server.address) as worker:
        wait_until(lambda: installation.log().count("waiting_for_temporal") >= 3)
        with server.running():
            installation.wait_for_workers()
            worker.terminate()
            assert worker.wait(PATIENCE) == 0


def test_what_is_started_while_temporal_is_away_is_answered_at_once_and_starts_once(
    installation: Installation, server: TemporalServer, loop_thread: EventLoopThread
) -> None:
    # Some of the first are under way when it goes, some of the last when it comes.
    lasting = (SECONDS_BEFORE + 1, SECONDS_AWAY, SECONDS_AFTER)
    numbers = [int(seconds * STARTS_PER_SECOND) for seconds in lasting]
    installation.import_users("Ada" for _ in range(sum(numbers)))
    users = [row[0] for row in installation.sql("SELECT id FROM users_user ORDER BY id")]
    rest = iter(users)
    before, away, after = (list(islice(rest, number)) for number in numbers)
    installation.environment["TEMPORAL_ADDRESS"] = server.address
    # A worker that relays, and leaves the mails alone: this is about starting.
    relaying = installation.worker(TEMPORAL_TASK_QUEUE="another")

    with serving(installation) as api, relaying as worker, ThreadPoolExecutor(1) as loading:
        with server.running():
            installation.wait_for_workers()
            load = loading.submit(start_all, api, before)
            time.sleep(SECONDS_BEFORE)
        answers = start_all(api, away) + load.result()
        waiting = installation.number(UNSENT)
        load = loading.submit(start_all, api, after)
        with server.running():
            answers += load.result()
            # A server with a file takes some twenty starts a second.
            wait_until(lambda: not installation.number(UNSENT), seconds=PATIENCE + len(users))
            client = loop_thread.run(Client.connect(server.address, plugins=[DjangoPlugin()]))
            wait_until(lambda: len(loop_thread.run(runs(client))) >= len(users))
            started = loop_thread.run(runs(client))
            assert worker.poll() is None

    print(figures(answers))  # noqa: T201  what the test is about
    assert max(answers) < SLOWEST_ANSWER, figures(answers)
    assert waiting >= len(away), "Temporal was not away"
    assert {user: started[f"onboarding-{user}"] for user in users} == dict.fromkeys(users, 1)


def start_all(api: Api, users: list[int]) -> list[float]:
    """Start an onboarding for each, at the rate. Gives how long each answer took, counted from when it was due."""
    began = time.monotonic()

    def start(number: int) -> float:
        due = began + number / STARTS_PER_SECOND
        time.sleep(max(0, due - time.monotonic()))
        api.call("/onboarding", {"user_id": users[number]})
        return time.monotonic() - due

    with ThreadPoolExecutor(20) as pool:
        return list(pool.map(start, range(len(users))))


async def runs(client: Client) -> Counter[str]:
    """How many runs of each id the server has had."""
    return Counter([run.id async for run in client.list_workflows("WorkflowType = 'user_onboarding'")])


def figures(answers: list[float]) -> str:
    """The times of answers, for people."""
    percentiles = quantiles(answers, n=100)
    return f"{len(answers)} answers: p50 {percentiles[49]:.3f} s, p95 {percentiles[94]:.3f} s, slowest {max(answers):.3f} s"
