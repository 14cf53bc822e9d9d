"""The sandbox notices what would make a workflow differ when it is replayed. Passed through by accident, it would not."""

import importlib
from pathlib import Path
from uuid import uuid4

import pytest
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from apps.development.testing import EventLoopThread

SOURCE = """
from temporalio import workflow
{imports}

@workflow.defn
class Canary:
    @workflow.run
    async def run(self) -> str:
        {body}
"""
PASSED = "with workflow.unsafe.imports_passed_through():\n    "


@pytest.fixture
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loop_thread: EventLoopThread, temporal_client: Client) -> "Canary":
    """See Canary."""
    monkeypatch.syspath_prepend(tmp_path)
    return Canary(tmp_path, loop_thread, temporal_client)


class Canary:
    """Runs a workflow made of an import and a body, and gives its result."""

    def __init__(self, folder: Path, loop: EventLoopThread, client: Client) -> None:
        self.folder, self.loop, self.client = folder, loop, client

    def __call__(self, imports: str, body: str) -> str:
        name = f"canary_{uuid4().hex}"
        (self.folder / f"{name}.py").write_text(SOURCE.format(imports=imports, body=body))
        importlib.invalidate_caches()
        return self.loop.run(self._run(importlib.import_module(name).Canary, name))

    async def _run(self, workflow: type, name: str) -> str:
        # Without the last argument the server would offer a failed workflow task again, for ever.
        worker = Worker(self.client, task_queue=name, workflows=[workflow], workflow_failure_exception_types=[Exception])
        async with worker:
            result: str = await self.client.execute_workflow("Canary", id=name, task_queue=name)
            return result


def reason(caught: pytest.ExceptionInfo[WorkflowFailureError]) -> str:
    """What a workflow failed with."""
    assert isinstance(caught.value.cause, ApplicationError)
    return f"{caught.value.cause.type}: {caught.value.cause.message}"


def test_a_harmless_workflow_runs(canary: Canary) -> None:
    assert canary("", "return workflow.now().tzname()") == "UTC"


@pytest.mark.parametrize("module", ["apps.users.models", "apps.onboarding.activities", "apps.onboarding.shared"])
def test_an_app_imported_outside_the_block_fails_when_the_worker_is_made(canary: Canary, module: str) -> None:
    with pytest.raises(RuntimeError) as caught:
        canary(f"import {module}", "return 'unnoticed'")

    assert "imports_passed_through" in str(caught.value) or "passed through" in str(caught.value.__cause__)


def test_an_app_imported_inside_the_block_loads(canary: Canary) -> None:
    result = canary(f"{PASSED}from apps.onboarding.shared import onboarding_id", "return onboarding_id(7)")

    assert result == "onboarding-7"


@pytest.mark.parametrize(
    ("imports", "body"),
    [
        ("import time", "return str(time.time())"),
        ("import random", "return str(random.random())"),
        ("import datetime", "return str(datetime.datetime.now())"),
        ("import os", "return os.environ['PATH']"),
        ("import uuid", "return open('/etc/hostname').read()"),
    ],
    ids=["clock", "chance", "date", "environment", "file"],
)
def test_what_differs_at_each_replay_is_out_of_reach(canary: Canary, imports: str, body: str) -> None:
    with pytest.raises(WorkflowFailureError) as caught:
        canary(imports, body)

    assert "RestrictedWorkflowAccessError" in reason(caught)


@pytest.mark.parametrize(
    "more",
    ["", "import django.db.models.sql.compiler, django.utils.version\n    "],
    ids=["at first sight", "once Django is loaded"],
)
def test_the_database_is_out_of_reach(canary: Canary, more: str) -> None:
    with pytest.raises(WorkflowFailureError) as caught:
        canary(f"{PASSED}{more}from apps.users.models import User", "return str(User.objects.count())")

    assert reason(caught).startswith(("SynchronousOnlyOperation", "UnintentionalPassthroughError"))
