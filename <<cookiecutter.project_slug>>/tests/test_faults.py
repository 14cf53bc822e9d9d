"""Real processes, killed and stopped at the worst moments: nothing is lost and nothing is done twice."""

from uuid import uuid4

from temporalio.client import Client

from apps.development.testing import EventLoopThread
from tests.installation import Installation, wait_until

ROWS, BAD_EVERY = 100_000, 1_000
AUDIT = {
    "sqlite": [
        "CREATE TRIGGER audit AFTER UPDATE OF profile_checked_at ON users_user BEGIN INSERT INTO audit VALUES (new.id); END"
    ],
    "postgres": [
        "CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO audit VALUES (new.id); RETURN new; END'",
        "CREATE TRIGGER audit AFTER UPDATE OF profile_checked_at ON users_user FOR EACH ROW EXECUTE FUNCTION audit()",
    ],
}


def test_a_killed_worker_leaves_a_batch_that_ends_with_every_row_done_once(
    installation: Installation, loop_thread: EventLoopThread, temporal_client: Client
) -> None:
    installation.import_users("bad \N{ZERO WIDTH SPACE} name" if n % BAD_EVERY == 0 else "Good Name" for n in range(ROWS))
    installation.sql("CREATE TABLE audit (user_id bigint)")
    for statement in AUDIT[installation.url.split(":")[0].removesuffix("ql")]:
        installation.sql(statement)
    batch_id, gate = f"killed-{uuid4()}", installation.folder / "gate"
    done = "SELECT sum(succeeded) FROM batch_batchrange"
    # Its second half waits, or the batch might be over before the worker is killed.
    installation.environment |= {"GATE": str(gate), "GATE_FROM": str(ROWS // 2)}

    with installation.worker() as worker:
        installation.manage("startbatch", batch_id, "--all-users", "--action", "check_profile_up_to_the_gate")
        wait_until(lambda: installation.number(done) > ROWS // 5)
        worker.kill()
    assert installation.number(done) < ROWS - ROWS // BAD_EVERY
    gate.touch()
    with installation.worker():
        result = loop_thread.run(temporal_client.get_workflow_handle(f"batch-{batch_id}").result(), timeout=600)

    assert (result["total"], result["succeeded"], result["failed"]) == (ROWS, ROWS - ROWS // BAD_EVERY, ROWS // BAD_EVERY)
    assert installation.number("SELECT count(*) FROM audit") == ROWS - ROWS // BAD_EVERY
    assert installation.number("SELECT count(DISTINCT user_id) FROM audit") == ROWS - ROWS // BAD_EVERY
    assert installation.number("SELECT count(DISTINCT row) FROM batch_batchfailure") == ROWS // BAD_EVERY
    assert installation.number("SELECT count(*) FROM batch_batchfailure") == ROWS // BAD_EVERY
    description = loop_thread.run(temporal_client.get_workflow_handle(f"batch-{batch_id}").describe())
    assert description.history_length <= 0.006 * ROWS


def test_an_onboarding_started_from_outside_sends_both_mails(
    installation: Installation, loop_thread: EventLoopThread, temporal_client: Client
) -> None:
    """What `temporal workflow start --type user_onboarding --input '{…}'` does: a name, a queue and plain JSON."""
    installation.import_users(["A"])
    plain = {"user_id": installation.number("SELECT id FROM users_user"), "email": "0@example.com", "name": "A"}

    with installation.worker():
        start = temporal_client.start_workflow(
            "user_onboarding", plain, id=f"outside-{uuid4()}", task_queue=installation.task_queue
        )
        result = loop_thread.run(loop_thread.run(start).result())

    assert result == {"user_id": plain["user_id"], "status": "completed"}
    assert installation.mails_written() == 2
    assert installation.number("SELECT count(*) FROM notifications_mail WHERE sent_at IS NOT NULL") == 2
