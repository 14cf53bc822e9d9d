"""Workers killed at random moments inside what people have defined: in the end each step, item and child was done once."""

import json
import os
import random
import time
from typing import Any

from temporalio.client import Client

from apps.development.testing import EventLoopThread
from tests.installation import Installation, wait_until

KILLS = int(os.environ.get("KILLS", "2"))
LONGEST_LIFE = 1.5
CHILDREN, STEPS = 40, 8
INNER = {
    "name": "Inner",
    "steps": [{"key": "end", "kind": "values", "name": "End", "config": {"values": {"n": "{{ input.n }}"}}}],
}
CHILD = {"kind": "run-workflow", "config": {"workflow": "faults/inner", "input": {"n": "{{ item }}"}, "wait": False}}


def test_each_step_item_and_child_is_done_once(
    installation: Installation, loop_thread: EventLoopThread, temporal_client: Client
) -> None:
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(2**32)))
    dice = random.Random(seed)  # noqa: S311  no secret
    installation.import_users(["Ada"])
    files = [installation.folder / "inner.json", installation.folder / "outer.json"]
    for file, definition in zip(files, (INNER, outer()), strict=True):
        file.write_text(json.dumps(definition))
    owner = ("--user", "0@example.com")
    installation.manage("workflows", "import", *map(str, files), "--project", "faults", *owner, "--publish")
    installation.manage("workflows", "run", "faults/outer", *owner)

    for number in range(KILLS):
        with installation.worker() as worker:
            installation.wait_for_workers(number + 1)
            # Not an event: the moment is to be any.
            time.sleep(dice.uniform(0, LONGEST_LIFE))
            worker.kill()
    with installation.worker():
        wait_until(lambda: installation.number(ENDED) == 1)
        wait_until(lambda: installation.number(COMPLETED) == CHILDREN + 2)

    assert installation.number("SELECT count(*) FROM executions_execution WHERE workflow = 'faults/inner'") == CHILDREN + 1, seed
    ((total, done, failed),) = installation.sql(
        "SELECT items_total, items_done, items_failed FROM workflows_steprun WHERE kind = 'for-each'"
    )
    assert (total, done, failed) == (CHILDREN, CHILDREN, 0), seed
    steps = installation.sql("SELECT key, status FROM workflows_steprun WHERE name LIKE 'Step %' ORDER BY id")
    assert steps == [(f"s{place}", "success") for place in range(STEPS)], seed


COMPLETED = "SELECT count(*) FROM executions_execution WHERE status = 'completed' AND workflow LIKE 'faults/%'"
ENDED = (
    "SELECT count(*) FROM executions_execution WHERE status <> 'running' AND status <> 'pending' AND workflow = 'faults/outer'"
)


def outer() -> dict[str, Any]:
    """Some steps, a workflow that is waited for, and one for each item of a list."""
    steps: list[dict[str, Any]] = []
    for place, then in enumerate([*(f"s{place}" for place in range(1, STEPS)), "one"]):
        config = {"values": {"n": place}}
        steps.append({"key": f"s{place}", "kind": "values", "name": f"Step {place}", "config": config, "next": [{"to": then}]})
    one = {"workflow": "faults/inner", "input": {"n": 0}}
    items = {"items": str([*range(CHILDREN)]), "do": CHILD}
    steps.append({"key": "one", "kind": "run-workflow", "name": "One", "config": one, "next": [{"to": "all"}]})
    # A worker that stands still for ten seconds is given up like one that was killed.
    tried = {"timeout_seconds": 5, "attempts": KILLS + 20}
    steps.append({"key": "all", "kind": "for-each", "name": "All", "config": items, **tried})
    return {"name": "Outer", "steps": steps}
