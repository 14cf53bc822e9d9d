"""What executions recorded: kept for tests, replayed against today's code. `replay` of testing.py does it for one workflow."""

import json
from collections.abc import AsyncIterator, Sequence

from temporalio.client import Client, WorkflowHistory
from temporalio.worker import Replayer

from apps.temporal import client, operations, registry
from apps.temporal.plugin import DjangoPlugin


def recent_histories(last: int, query: str = "") -> list[WorkflowHistory]:
    """What the last executions of this project's workflows recorded, of those that a visibility query matches.

    Raises TemporalUnavailable, also for a query that the server does not understand.
    """
    ours = f"WorkflowType IN ({', '.join(map(repr, registry.workflows()))})"

    async def fetch(connected: Client) -> list[WorkflowHistory]:
        found = connected.list_workflows(f"{ours} AND ({query})" if query else ours, limit=last)
        return [history async for history in found.map_histories()]

    return client.run(fetch, timeout=operations.TIMEOUT + last)


def as_fixture(recorded: WorkflowHistory) -> str:
    """A history as the tests keep it: what the SDK wrote, its flags too, the same each time and legible in a diff."""
    return json.dumps(json.loads(recorded.to_json()), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


async def replay(histories: Sequence[WorkflowHistory]) -> AsyncIterator[tuple[str, str]]:
    """Each history's workflow id, and in one line what keeps it from replaying: nothing when it does."""

    async def each() -> AsyncIterator[WorkflowHistory]:
        for recorded in histories:
            yield recorded

    # Otherwise a workflow that does not get on for 2 s, on a machine that stands still say, is one that does not fit.
    replayer = Replayer(workflows=list(registry.workflows().values()), plugins=[DjangoPlugin()], debug_mode=True)
    async with replayer.workflow_replay_iterator(each()) as results:
        async for result in results:
            yield result.history.workflow_id, " ".join(str(result.replay_failure or "").split())
