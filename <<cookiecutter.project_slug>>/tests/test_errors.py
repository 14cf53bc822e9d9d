"""Which errors of activities and workflows go to Sentry, and which do not. The whole way: test_observability.py."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
import sentry_sdk
from pytest_django import Settings
from sentry_sdk.envelope import Envelope
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.transport import Transport
from temporalio import activity
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.worker import Replayer, Worker

from apps.development.testing import PATIENCE, EventLoopThread
from apps.temporal.plugin import DjangoPlugin
from tests.failing import Once, Patient, Refusing

WORKFLOWS = [Once, Patient, Refusing]
BEGUN = threading.Event()


class Recording(Transport):
    """Keeps what would be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Any] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        if event := envelope.get_event():
            self.events.append(event)

    def tags(self) -> list[dict[str, str]]:
        """The tags of each event so far: none of ours for a line of the log."""
        return [event.get("tags", {}) for event in self.events]


@pytest.fixture
def sentry() -> Iterator[Recording]:
    """A Sentry of the test's own. Other integrations stay out: they would change Django for the tests that follow."""
    transport = Recording()
    sentry_sdk.init(
        "http://key@127.0.0.1:9/1", transport=transport, default_integrations=False, integrations=[LoggingIntegration()]
    )
    yield transport
    sentry_sdk.init()


@activity.defn
async def fail() -> None:
    raise RuntimeError("no luck")


@activity.defn
async def fail_for_good() -> None:
    raise ApplicationError("never", non_retryable=True)


@activity.defn
async def fail_harmlessly() -> None:
    raise ApplicationError("as usual", category=ApplicationErrorCategory.BENIGN)


@activity.defn
async def fail_until_the_eleventh_attempt() -> None:
    if activity.info().attempt < 11:
        raise RuntimeError("not yet")


@activity.defn
async def wait() -> None:
    BEGUN.set()
    while True:
        activity.heartbeat()
        await asyncio.sleep(0.1)


class Runner:
    """Runs a workflow with an activity on a worker made as the project makes its own."""

    def __init__(self, client: Client, loop: EventLoopThread) -> None:
        self.client, self.loop, self.workflow_id = client, loop, ""

    def __call__(self, kind: type, *arguments: Any, activity: Callable[[], Any] = fail, cancel: bool = False) -> None:
        """Wait for its end. `cancel` cancels it once it has begun."""
        self.workflow_id = f"errors-{uuid4()}"
        self.loop.run(self._run(kind, arguments, activity, cancel))

    async def _run(self, kind: type, arguments: tuple[Any, ...], activity: Callable[[], Any], cancel: bool) -> None:
        queue = self.workflow_id
        async with Worker(self.client, task_queue=queue, workflows=WORKFLOWS, activities=[activity]):
            handle = await self.client.start_workflow(kind.__name__, args=arguments, id=self.workflow_id, task_queue=queue)
            if cancel:
                assert await asyncio.to_thread(BEGUN.wait, PATIENCE)
                await handle.cancel()
            await handle.result()

    def replay(self) -> None:
        """Replay what ran."""

        async def run() -> None:
            history = await self.client.get_workflow_handle(self.workflow_id).fetch_history()
            await Replayer(workflows=WORKFLOWS, plugins=[DjangoPlugin()]).replay_workflow(history)

        self.loop.run(run())


@pytest.fixture
def runner(settings: Settings, temporal_server: str, loop_thread: EventLoopThread, sentry: Recording) -> Runner:
    """See Runner."""
    settings.TEMPORAL_INTERCEPTORS = ["config.errors.ErrorInterceptor"]
    return Runner(loop_thread.run(Client.connect(temporal_server, plugins=[DjangoPlugin()])), loop_thread)


def test_an_activity_is_reported_once_at_its_last_attempt_and_so_is_its_workflow(runner: Runner, sentry: Recording) -> None:
    with pytest.raises(WorkflowFailureError):
        runner(Once, "fail", 3, activity=fail)

    of_activity, of_workflow = sentry.tags()
    assert (of_activity["activity"], of_activity["attempt"], of_activity["workflow"]) == ("fail", "3", "Once")
    assert (of_activity["workflow_id"], of_workflow["workflow_id"]) == (runner.workflow_id, runner.workflow_id)
    assert (of_workflow["workflow"], "activity" in of_workflow) == ("Once", False)


def test_what_will_not_be_tried_again_is_reported_at_once(runner: Runner, sentry: Recording) -> None:
    with pytest.raises(WorkflowFailureError):
        runner(Once, "fail_for_good", 5, activity=fail_for_good)

    assert (sentry.tags()[0].get("activity"), sentry.tags()[0]["attempt"]) == ("fail_for_good", "1")


def test_an_activity_without_a_limit_is_reported_at_its_tenth_attempt(runner: Runner, sentry: Recording) -> None:
    runner(Once, "fail_until_the_eleventh_attempt", 0, activity=fail_until_the_eleventh_attempt)

    assert [tags["attempt"] for tags in sentry.tags()] == ["10"]


def test_benign_errors_and_cancellations_are_nobodys_business(runner: Runner, sentry: Recording) -> None:
    with pytest.raises(WorkflowFailureError):
        runner(Once, "wait", 1, activity=wait, cancel=True)
    with pytest.raises(WorkflowFailureError):
        runner(Refusing, int(ApplicationErrorCategory.BENIGN))
    runner(Patient, "fail_harmlessly", 1, activity=fail_harmlessly)

    assert ["activity" in tags or "workflow" in tags for tags in sentry.tags()] == [False]


def test_a_replayed_failure_is_not_reported_again(runner: Runner, sentry: Recording) -> None:
    with pytest.raises(WorkflowFailureError):
        runner(Refusing, int(ApplicationErrorCategory.UNSPECIFIED))
    assert [tags["workflow"] for tags in sentry.tags()] == ["Refusing"]

    runner.replay()

    assert len(sentry.events) == 1


def test_an_error_that_a_workflow_logs_in_the_sandbox_is_reported(runner: Runner, sentry: Recording) -> None:
    runner(Patient, "fail_harmlessly", 1, activity=fail_harmlessly)

    (event,) = sentry.events
    assert event["logentry"]["message"] == "forgiven"
