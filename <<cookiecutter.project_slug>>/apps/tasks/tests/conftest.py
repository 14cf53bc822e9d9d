"""What the tests of tasks need: each runs on two servers, one with standalone activities and one without."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from temporalio.client import ActivityFailureError, Client, WorkflowFailureError
from temporalio.service import RPCError

from apps.development.ports import free_port
from apps.development.server import DEV_SERVER_ARGS
from apps.development.testing import ROOT, EventLoopThread, Temporal
from apps.tasks.tests import work
from apps.temporal import relay
from apps.temporal.plugin import DjangoPlugin

WITH, WITHOUT = "with standalone activities", "without standalone activities"

type Result = Any
type Settle = Callable[[Result], Result]


@pytest.fixture(scope="module")
def server_without() -> Iterator[str]:
    """The address of a server that has no standalone activities."""
    command = [sys.executable, "-m", "apps.development.server", "--port", str(port := free_port()), *DEV_SERVER_ARGS]
    command += ["--dynamic-config-value", "activity.enableStandalone=false"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline().strip() == "ready"
        yield f"127.0.0.1:{port}"
        server.terminate()


@pytest.fixture(scope="module", params=[WITH, WITHOUT])
def temporal_client(request: pytest.FixtureRequest, loop_thread: EventLoopThread) -> Client:
    """A client of either server."""
    address = request.getfixturevalue("temporal_server" if request.param == WITH else "server_without")
    return loop_thread.run(Client.connect(address, plugins=[DjangoPlugin()]))


async def end_of(client: Client, task_id: str) -> None:
    with suppress(ActivityFailureError, WorkflowFailureError):
        try:
            await client.get_activity_handle(task_id).result()
        except RPCError:
            await client.get_workflow_handle(task_id).result()


@pytest.fixture
def settle(temporal: Temporal) -> Settle:
    """Send what was enqueued and wait for its end."""

    def settled(result: Result) -> Result:
        assert relay.deliver_due() == 1
        temporal.run(end_of(temporal.client, result.id))
        result.refresh()
        return result

    return settled


@pytest.fixture
def _nothing_waits_for_ever() -> Iterator[None]:
    work.begun.clear()
    work.may_go_on.clear()
    yield
    work.may_go_on.set()
