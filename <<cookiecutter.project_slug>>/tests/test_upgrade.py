"""A project made before there were executions: its database is migrated with rows in it, and what runs in it goes on."""

from uuid import uuid4

from temporalio.client import Client

from apps.development.testing import EventLoopThread
from tests.installation import Installation, wait_until

# How far the apps were before.
BEFORE = {"reports": "zero", "executions": "zero", "notifications": "0001", "temporal": "0001"}
ROWS = (
    "INSERT INTO notifications_mail (key, recipient, subject, created_at) VALUES ('k', 'a@example.com', 's', '2026-11-01')",
    "INSERT INTO batch_batch (batch_id, action, status, created_at) VALUES ('b', 'check_profile', 'completed', '2026-11-01')",
)
DONE = "SELECT count(*) FROM executions_taskexecution WHERE status = 'success'"


def test_its_rows_are_kept_and_its_executions_get_theirs(
    installation: Installation, loop_thread: EventLoopThread, temporal_client: Client
) -> None:
    for app, migration in BEFORE.items():
        installation.manage("migrate", app, migration, "--verbosity=0")
    installation.import_users(["Ada"])
    ((user_id,),) = installation.sql("SELECT id FROM users_user")
    for row in ROWS:
        installation.sql(row)
    # As it was started then: without a memo, and without a row.
    wanted = {"user_id": user_id, "email": "0@example.com", "name": "Ada", "follow_up_delay": 3600}
    start = temporal_client.start_workflow(
        "user_onboarding", wanted, id=f"onboarding-{user_id}", task_queue=installation.task_queue
    )
    handle = loop_thread.run(start)

    def canceled() -> bool:
        mend = temporal_client.start_workflow("reconcile_executions", id=f"mend-{uuid4()}", task_queue=installation.task_queue)
        loop_thread.run(loop_thread.run(mend).result())
        return installation.sql("SELECT status, trigger FROM executions_execution") == [("canceled", "outside")]

    installation.manage("migrate", "--verbosity=0")

    assert installation.sql("SELECT key FROM notifications_mail WHERE key = 'k'") == [("k",)]
    assert installation.sql("SELECT status FROM batch_batch") == [("completed",)]
    with installation.worker():
        wait_until(lambda: installation.number(DONE) == 2)
        installation.manage("executions", "cancel", f"onboarding-{user_id}")
        wait_until(lambda: loop_thread.run(handle.describe()).close_time)
        wait_until(canceled)
