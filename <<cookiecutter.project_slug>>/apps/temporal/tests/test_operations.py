"""What is done to executions that ran: reset, recorded, replayed."""

import json
import re
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings
from temporalio.client import Client, WorkflowExecutionStatus

from apps.development.testing import PATIENCE, ROOT, EventLoopThread
from apps.temporal import client, histories, operations
from apps.temporal.exceptions import ExecutionNotFound, Refused
from apps.temporal.plugin import DjangoPlugin
from apps.temporal.tests.parcels import broken, old, patched
from apps.temporal.tests.parcels.depot import Depot
from tests.installation import wait_until

SENT = ROOT / "apps/temporal/tests/parcels/ParcelWorkflow-sent.json"


def command(name: str, *arguments: str) -> str:
    out = StringIO()
    call_command(name, *arguments, stdout=out, no_color=True)
    return out.getvalue()


def test_the_last_good_step_is_the_one_before_what_failed(depot: Depot) -> None:
    handle = depot.fail("insure")

    said = command("resetworkflow", handle.id, "--reason", "insurer is back")

    assert depot.result(handle) == "send-p1"
    assert depot.done == ["pack", "insure", "insure", "send"]
    assert said == f"{handle.id} goes on as run {client.describe(handle.id).run_id}\n"
    assert '"message": "insurer is back"' in histories.as_fixture(operations.history(handle.id))


def test_a_reset_to_the_start_does_all_again(depot: Depot) -> None:
    handle = depot.fail("send")

    command("resetworkflow", handle.id, "--to", "start", "--reason", "another box")

    assert depot.result(handle) == "send-p1"
    assert depot.done == ["pack", "insure", "send"] * 2


def test_a_run_that_completed_can_be_reset_to_a_step(depot: Depot) -> None:
    handle = depot.start()
    depot.result(handle)
    points = operations.reset_points(handle.id)

    operations.reset(handle.id, to=str(points[1].event_id), reason="lost in transit")

    depot.result(handle)
    assert depot.done == ["pack", "insure", "send", "insure", "send"]


def test_a_dry_run_lists_the_points_and_resets_nothing(depot: Depot) -> None:
    handle = depot.fail("insure")

    listed = command("resetworkflow", handle.id, "--dry-run", "--reason", "to look").splitlines()

    assert [line.split()[-1] for line in listed] == ["pack", "insure", "workflow_execution_failed"]
    assert ["last-good" in line for line in listed] == [False, True, False]
    assert client.describe(handle.id).run_id == handle.first_execution_run_id
    assert client.describe(handle.id).status == "failed"


def test_a_reset_that_is_asked_for_twice_is_one(depot: Depot) -> None:
    handle = depot.fail("send")
    assert handle.first_execution_run_id

    first, second = (operations.reset(handle.id, reason="once", run_id=handle.first_execution_run_id) for _ in range(2))

    assert first == second == client.describe(handle.id).run_id
    assert depot.result(handle) == "send-p1"


@pytest.mark.parametrize("to", ["3", "the beginning", "0"])
def test_a_point_that_is_none_is_refused_with_those_that_are(depot: Depot, to: str) -> None:
    handle = depot.fail("pack")

    points = [str(point.event_id) for point in operations.reset_points(handle.id)]
    with pytest.raises(CommandError, match=f"choose {', '.join(points)}, last-good, start"):
        command("resetworkflow", handle.id, "--to", to, "--reason", "wrong")
    assert len(points) == 2


def test_what_nobody_knows_cannot_be_reset_or_recorded(depot: Depot) -> None:
    with pytest.raises(ExecutionNotFound):
        operations.reset("no-such-parcel", reason="wrong")
    for name, arguments in (("resetworkflow", ["--reason", "wrong"]), ("recordhistory", [])):
        with pytest.raises(CommandError, match="no-such-parcel"):
            command(name, "no-such-parcel", *arguments)


def test_an_execution_that_did_nothing_yet_cannot_be_reset(depot: Depot) -> None:
    start = depot.client.start_workflow("ParcelWorkflow", "p1", id="parcel-idle", task_queue="nobody-polls-this")
    handle = depot.loop.run(start)

    with pytest.raises(Refused, match="it did nothing yet"):
        operations.reset(handle.id, reason="early")


def test_a_recorded_history_replays_and_keeps_the_flags_of_its_sdk(depot: Depot, tmp_path: Path) -> None:
    handle, file = depot.start(), tmp_path / "parcel.json"
    depot.result(handle)

    assert command("recordhistory", handle.id, "--output", str(file)) == f"wrote {file}\n"
    assert command("recordhistory", handle.id) == file.read_text()

    completed = [event.get("workflowTaskCompletedEventAttributes") for event in json.loads(file.read_text())["events"]]
    assert next(filter(None, completed))["sdkMetadata"]["coreUsedFlags"]
    assert command("replayworkflows", str(file)) == f"ok   {file}\n1 replayed\n"


def test_encrypted_executions_are_recorded_as_they_are_and_replayed(
    temporal_server: str,
    loop_thread: EventLoopThread,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.TEMPORAL_ADDRESS, settings.TEMPORAL_ENCRYPTION_KEYS = temporal_server, {"2026-11": b"n" * 32}
    monkeypatch.setattr(client, "_portals", {})
    depot = Depot(loop_thread.run(Client.connect(temporal_server, plugins=[DjangoPlugin()])), loop_thread, monkeypatch)
    depot.deploy(patched.ParcelWorkflow)
    handle, file = depot.fail("send"), tmp_path / "parcel.json"

    command("recordhistory", handle.id, "--output", str(file))
    operations.reset(handle.id, reason="it can be sent")

    assert depot.result(handle) == "send-p1"
    depot.close()
    assert "encryption-key-id" in file.read_text()
    assert "cannot send" not in file.read_text()
    assert command("replayworkflows", str(file)) == f"ok   {file}\n1 replayed\n"


def test_one_that_still_runs_is_ended_and_begun_again(depot: Depot) -> None:
    depot.late = "pack"
    handle = depot.start()
    assert depot.waiting.wait(PATIENCE)
    depot.late = ""

    operations.reset(handle.id, to="start", reason="another box")

    depot.go_on.set()
    assert depot.result(handle) == "send-p1"
    first = depot.client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id)
    assert depot.loop.run(first.describe()).status is WorkflowExecutionStatus.TERMINATED


def test_executions_of_the_server_are_replayed_and_those_that_do_not_fit_are_named(depot: Depot) -> None:
    another, handle = depot.start(), depot.start()
    depot.result(another), depot.result(handle)
    query = f"WorkflowId = '{handle.id}'"
    # The server's list is some moments behind.
    wait_until(lambda: histories.recent_histories(5, query), seconds=PATIENCE)

    assert command("replayworkflows", "--last", "5", "--query", query) == f"ok   {handle.id}\n1 replayed\n"

    depot.deploy(old.ParcelWorkflow)
    with pytest.raises(CommandError, match=f"1 of 1 would not go on with this code: {handle.id}"):
        command("replayworkflows", "--last", "5", "--query", query)


def test_what_is_no_history_is_said(depot: Depot, tmp_path: Path) -> None:
    (tmp_path / "none.json").write_text("{}x")

    for file in ("none.json", "nowhere.json"):
        with pytest.raises(CommandError):
            command("replayworkflows", str(tmp_path / file))
    with pytest.raises(CommandError, match="Name files"):
        command("replayworkflows")


@pytest.mark.parametrize(("code", "fits"), [(old, True), (patched, True), (broken, False)])
def test_an_execution_of_the_old_code_fits_the_patched_code_and_not_the_broken(depot: Depot, code: object, fits: bool) -> None:
    depot.deploy(code.ParcelWorkflow)  # type: ignore[attr-defined]  # each module has one

    if fits:
        assert command("replayworkflows", str(SENT)) == f"ok   {SENT}\n1 replayed\n"
    else:
        with pytest.raises(CommandError, match="1 of 1 would not go on"):
            command("replayworkflows", str(SENT))


@pytest.mark.parametrize("depot", [old], indirect=True)
def test_an_execution_of_the_old_code_that_is_not_past_the_change_takes_the_new_way(depot: Depot) -> None:
    depot.late = "pack"
    handle = depot.start()
    assert depot.waiting.wait(PATIENCE)

    depot.deploy(patched.ParcelWorkflow)

    assert depot.result(handle) == "send-p1"
    assert depot.done == ["pack", "pack", "insure", "send"]


def test_the_change_that_the_documentation_shows_is_this_one() -> None:
    page = (ROOT / "docs/adding-a-workflow.md").read_text()
    (shown,) = re.findall(r"^```python\n( +await workflow.execute_activity\(\"pack\".*?)^```$", page, re.MULTILINE | re.DOTALL)

    assert shown in Path(patched.__file__).read_text()
