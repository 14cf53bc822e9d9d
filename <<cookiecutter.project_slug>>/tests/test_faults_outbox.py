"""Processes that die between a commit and what is to be sent, and relays that race: each message has the effect of one."""

import os
import random
from collections import Counter
from contextlib import ExitStack, suppress
from uuid import uuid4

from temporalio.client import Client

from apps.development.testing import EventLoopThread
from tests.installation import Installation, wait_until

KILLED = 200
MESSAGES, EXECUTIONS = 10_000, 50
UNSENT = "SELECT count(*) FROM temporal_outboxmessage WHERE status = 'pending'"


def runs(client: Client, loop: EventLoopThread, task_queue: str) -> Counter[str]:
    """How many runs of each id the server has had on that queue."""

    async def listed() -> Counter[str]:
        return Counter([run.id async for run in client.list_workflows(f"TaskQueue = '{task_queue}'")])

    return loop.run(listed())


def test_what_was_committed_by_processes_that_were_killed_starts_once(
    installation: Installation, loop_thread: EventLoopThread, temporal_client: Client
) -> None:
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(2**32)))

    with installation.worker():
        installation.wait_for_workers()
        found = installation.manage("startanddie", str(KILLED), str(seed))
        # Instead of waiting until the leases of dead relays run out.
        installation.sql("UPDATE temporal_outboxmessage SET leased_until = NULL")
        server = temporal_client, loop_thread, installation.task_queue

        def committed() -> Counter[str]:
            return Counter(row[0] for row in installation.sql("SELECT aggregate_id FROM temporal_outboxmessage"))

        with suppress(AssertionError):
            wait_until(lambda: not installation.number(UNSENT) and runs(*server) == committed())

    assert runs(*server) == committed(), f"SEED={seed} {found}"
    # The moments must have been before the commit, between it and the sending, and after it.
    assert all(state in found for state in ("rolled_back", "sent")), found
    assert "pending" in found or "claimed" in found, found


def test_four_relays_at_once_send_each_message_once_and_keep_the_order(
    installation: Installation, loop_thread: EventLoopThread, temporal_client: Client
) -> None:
    prefix = f"raced-{uuid4()}"
    installation.manage("filloutbox", prefix, str(EXECUTIONS), str(MESSAGES))

    with ExitStack() as relays:
        for number in range(4):
            relays.enter_context(installation.process("manage.py", "runrelay", log=f"relay-{number}.log"))
        wait_until(lambda: not installation.number(UNSENT), seconds=900)

    for number in range(EXECUTIONS):
        received = loop_thread.run(signals(temporal_client, f"{prefix}-{number}"))
        assert received == list(range(EXECUTIONS + number, MESSAGES, EXECUTIONS))


async def signals(client: Client, workflow_id: str) -> list[int]:
    """The signals of an execution, as its history has them."""
    history = await client.get_workflow_handle(workflow_id).fetch_history()
    arguments = [event.workflow_execution_signaled_event_attributes.input.payloads for event in history.events]
    return [int(payloads[0].data) for payloads in arguments if payloads]
