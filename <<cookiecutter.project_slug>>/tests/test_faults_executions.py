"""Workers killed at random moments: in the end each execution's row, and each of its tasks, say what happened."""

import os
import random
import time
from uuid import uuid4

from temporalio.client import Client

from apps.development.testing import EventLoopThread
from tests.installation import Installation, wait_until

KILLS = int(os.environ.get("KILLS", "3"))
LONGEST_LIFE = 2.0
EXECUTIONS = 20
UNSENT = "SELECT count(*) FROM temporal_outboxmessage WHERE status = 'pending'"
# An onboarding has three activities.
WRONG = """
SELECT count(*) FROM executions_execution AS execution WHERE status <> 'completed' OR tasks_done <> 3 OR tasks_total <> 3
OR (SELECT count(*) FROM executions_taskexecution WHERE execution_id = execution.id AND status = 'success') <> 3
"""


def test_every_row_is_right_in_the_end(installation: Installation, loop_thread: EventLoopThread, temporal_client: Client) -> None:
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(2**32)))
    dice = random.Random(seed)  # noqa: S311  no secret
    installation.import_users([f"Person {n}" for n in range(EXECUTIONS)])
    installation.manage("startonboarding", "--missing")

    def reconciled() -> bool:
        start = temporal_client.start_workflow("reconcile_executions", id=f"mend-{uuid4()}", task_queue=installation.task_queue)
        loop_thread.run(loop_thread.run(start).result())
        return installation.number(WRONG) == 0

    for _ in range(KILLS):
        with installation.worker() as worker:
            # Not an event: the moment is to be any.
            time.sleep(dice.uniform(0.5, LONGEST_LIFE))
            worker.kill()
    with installation.worker():
        # What a worker that was killed had begun to send is sent when its lease has run out.
        wait_until(lambda: not installation.number(UNSENT))
        for (workflow_id,) in installation.sql("SELECT temporal_workflow_id FROM executions_execution"):
            loop_thread.run(temporal_client.get_workflow_handle(workflow_id).result(), timeout=300)
        wait_until(reconciled)

    assert installation.number("SELECT count(*) FROM executions_execution") == EXECUTIONS, f"SEED={seed}"
    assert installation.number("SELECT count(*) FROM executions_executionevent WHERE action = 'completed'") == EXECUTIONS
