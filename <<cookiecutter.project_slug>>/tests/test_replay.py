"""Executions under way survive a deployment: every recorded history replays against today's workflows.

A change that fails here would stop executions in production: guard it with `workflow.patched`. Histories are recorded by
record_histories.py, never typed: one without the flags of the SDK that wrote it would replay where production fails.
"""

import importlib
import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from temporalio.workflow import NondeterminismError

from apps.development.testing import ROOT
from apps.temporal import registry

HISTORIES = sorted((ROOT / "apps").glob("*/tests/histories/*.json"))
WORKFLOWS = {workflow.__name__: workflow for workflow in registry.workflows().values()}
MAX_BYTES = 100_000

type Replay = Callable[[type, str], None]
every_history = pytest.mark.parametrize("history", HISTORIES, ids=lambda path: path.stem)


def workflow_of(history: Path) -> type:
    return WORKFLOWS[history.stem.partition("-")[0]]


def test_every_workflow_has_a_history_in_its_own_app() -> None:
    recorded = {(path.parts[-4], path.stem.partition("-")[0]) for path in HISTORIES}

    assert recorded == {(workflow.__module__.split(".")[1], name) for name, workflow in WORKFLOWS.items()}


@every_history
def test_it_replays_against_todays_code(replay: Replay, history: Path) -> None:
    replay(workflow_of(history), history.read_text())


@every_history
def test_it_was_recorded_from_a_server_and_says_nothing_of_the_machine(history: Path) -> None:
    text = history.read_text()
    completed = [
        event["workflowTaskCompletedEventAttributes"]
        for event in json.loads(text)["events"]
        if "workflowTaskCompletedEventAttributes" in event
    ]

    assert completed[0]["sdkMetadata"]["coreUsedFlags"]
    assert set(re.findall(r'"identity": "(.*)"', text)) <= {"recorder", "history-service"}
    assert not re.search(r"/(home|root|usr|work|tmp|Users)/|site-packages", text)
    assert len(text) < MAX_BYTES


MUTATIONS = {
    "the account is checked after the first mail": (
        "UserOnboardingWorkflow",
        r"(        await workflow.execute_activity\(process_user_activity.*?\n)(.*?)(        await self._send\(welcome.*?\n)",
        r"\3\2\1",
    ),
    "an activity has another name": (
        "UserOnboardingWorkflow",
        r"execute_activity\(process_user_activity,",
        r'execute_activity("check_user_activity",',
    ),
    "the follow-up mail is left out": ("UserOnboardingWorkflow", r"        await self._send\(follow_up_mail.*?\n", ""),
    "the wait is left out": ("UserOnboardingWorkflow", r"        await workflow.sleep\(.*?\n", ""),
    "the batch is not opened": ("BatchProcessingWorkflow", r"await self._open\(\)", "0"),
    "the last activity has another name": (
        "BatchProcessingWorkflow",
        r"execute_activity\(close_batch,",
        r'execute_activity("finish_batch",',
    ),
    "a task is run by another activity": (
        "DjangoTaskWorkflow",
        r"run_django_task,\n",
        '"run_task",\n',
    ),
    # % if cookiecutter.workflow_builder
    "a step does not wait": ("DefinedWorkflow", r"await workflow\.sleep\(seconds\)\n", "pass\n"),
    "the parts of a list are done in another order": ("DefinedWorkflow", r"in planned\.parts:", "in planned.parts[::-1]:"),
    "another workflow is run before its row is made": (
        "DefinedWorkflow",
        r"execute_activity\(begin_child,",
        r'execute_activity("make_child",',
    ),
    # % endif
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_workflow_that_has_changed_does_not_replay(
    replay: Replay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mutation: str
) -> None:
    name, pattern, replacement = MUTATIONS[mutation]
    source = inspect.getsource(inspect.getmodule(WORKFLOWS[name]))  # type: ignore[arg-type]  # a class has a module
    mutated, changes = re.subn(pattern, replacement, source, flags=re.DOTALL)
    assert changes == 1, "the workflow's source no longer looks as this test expects"
    monkeypatch.syspath_prepend(tmp_path)

    def replay_all(text: str) -> None:
        module = f"mutated_{uuid4().hex}"
        (tmp_path / f"{module}.py").write_text(text)
        importlib.invalidate_caches()
        for history in HISTORIES:
            if workflow_of(history).__name__ == name:
                replay(getattr(importlib.import_module(module), name), history.read_text())

    replay_all(source)
    with pytest.raises(NondeterminismError):
        replay_all(mutated)
