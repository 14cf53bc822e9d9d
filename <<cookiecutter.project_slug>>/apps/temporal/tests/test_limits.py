"""What cannot be done says so: it fails with a sentence, or each attempt is logged. Refused starts: test_outbox.py."""

import asyncio
import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from temporalio import activity, workflow
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ActivityError, ApplicationError

from apps.development.testing import PATIENCE, EventLoopThread
from apps.temporal import registry
from apps.temporal.worker import build_worker
from tests.installation import wait_until

LARGE = "a" * 3 * 2**20
TOO_LARGE = r"PayloadTooLarge: A payload has 3\.0 MiB and Temporal takes 2: store it and send its key\."
NOT_PLAIN = r"NotSerializable: Send plain values, dataclasses or pydantic models, and give such back: .*'object'"


@activity.defn
def give(what: str) -> Any:
    """Something that may be too large, or no plain value."""
    return thing(what)


@activity.defn
def count(number: int) -> int:
    return number


# Without the sandbox, which asks that workflows have a module of their own.
@workflow.defn(sandboxed=False)
class Careless:
    """Does by activity, or by itself, what cannot be done."""

    @workflow.run
    async def run(self, where: str, what: str) -> Any:
        match where:
            case "result":
                return thing(what)
            case "activity's result":
                name, argument = "give", what
            case _:
                name, argument = where, thing(what)
        return await workflow.execute_activity(name, argument, start_to_close_timeout=timedelta(minutes=2))


def thing(what: str) -> Any:
    return {"large": LARGE, "no plain value": object()}.get(what, what)


class Working:
    """Starts workflows on a worker that knows `Careless` alone."""

    def __init__(self, client: Client, loop: EventLoopThread) -> None:
        self.client, self.loop, self.queue = client, loop, str(uuid4())

    def failure(self, where: str, what: str) -> BaseException | None:
        """What ended the workflow."""

        async def run() -> None:
            async with build_worker(self.client, task_queue=self.queue):
                await self.client.execute_workflow("Careless", args=[where, what], id=str(uuid4()), task_queue=self.queue)

        with pytest.raises(WorkflowFailureError) as failed:
            self.loop.run(run())
        return failed.value.cause

    def wait_for_log(self, kind: str, arguments: list[Any], caplog: pytest.LogCaptureFixture, sentence: str) -> None:
        """Wait until the worker's log says that twice of a workflow that it tries again and again."""

        def said() -> int:
            return sum(bool(re.search(sentence, caplog.handler.format(record))) for record in list(caplog.records))

        async def run() -> None:
            async with build_worker(self.client, task_queue=self.queue):
                handle = await self.client.start_workflow(kind, args=arguments, id=str(uuid4()), task_queue=self.queue)
                await asyncio.to_thread(wait_until, lambda: said() > 1, seconds=PATIENCE)
                await handle.terminate()

        self.loop.run(run(), 2 * PATIENCE)


@pytest.fixture
def working(temporal_client: Client, loop_thread: EventLoopThread, monkeypatch: pytest.MonkeyPatch) -> Working:
    """See Working."""
    monkeypatch.setattr(registry, "workflows", lambda: {"Careless": Careless})
    monkeypatch.setattr(registry, "activities", lambda: {"give": give, "count": count})
    return Working(temporal_client, loop_thread)


@pytest.mark.parametrize(("what", "sentence"), [("large", TOO_LARGE), ("no plain value", NOT_PLAIN)])
@pytest.mark.parametrize("where", ["result", "activity's result", "count"], ids=["result", "activity's result", "argument"])
def test_what_temporal_cannot_take_fails_the_workflow_at_once(working: Working, where: str, what: str, sentence: str) -> None:
    failure = working.failure(where, what)

    said = failure.cause if isinstance(failure, ActivityError) else failure
    assert isinstance(said, ApplicationError)
    assert re.match(sentence, str(said))


@pytest.mark.parametrize(
    ("kind", "arguments", "sentence"),
    [
        ("Misspelt", [], "Workflow class Misspelt is not registered on this worker, available workflows: Careless"),
        ("Careless", ["misspelt", "any"], "Activity function misspelt for workflow .* is not registered on this worker"),
        ("Careless", ["count", "no number"], "Failed decoding arguments"),
    ],
    ids=["unknown workflow", "unknown activity", "wrong argument"],
)
def test_what_another_version_may_mend_is_tried_again_and_each_attempt_is_logged(
    working: Working, caplog: pytest.LogCaptureFixture, kind: str, arguments: list[str], sentence: str
) -> None:
    working.wait_for_log(kind, arguments, caplog, sentence)
