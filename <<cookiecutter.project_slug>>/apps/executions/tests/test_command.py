"""`manage.py executions`."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from apps.executions.tests.rows import execution
from apps.temporal.models import OutboxMessage

pytestmark = pytest.mark.django_db


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    call_command("executions", *map(str, arguments))
    return capsys.readouterr().out


def read(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    return json.loads(said(capsys, *arguments, "--json"))


def test_the_newest_are_listed_by_status_and_workflow(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "list") == "There are no such executions.\n"
    rows = [execution(status) for status in ("running", "failed", "failed")] + [execution("failed", workflow="other")]

    failed = read(capsys, "list", "--status", "failed", "--workflow", "user_onboarding")

    assert [row["id"] for row in failed] == [str(row.pk) for row in (rows[2], rows[1])]
    assert [row["id"] for row in read(capsys, "list", "--limit", "1")] == [str(rows[3].pk)]
    assert [row["id"] for row in read(capsys, "list", "--status", "running", "--status", "paused")] == [str(rows[0].pk)]
    assert rows[0].temporal_workflow_id in said(capsys, "list")


def test_one_is_shown_by_either_id_with_its_tasks_and_its_trail(capsys: pytest.CaptureFixture[str]) -> None:
    shown = execution("failed", error_message="no such account", input={"user_id": 1})
    shown.tasks.create(name="send_email_activity", activity_id="1", status="failed", error="no such account")
    shown.events.create(action="failed", by="workflow", before="running", after="failed", reason="no such account")

    by_id, by_workflow_id = read(capsys, "show", shown.pk), read(capsys, "show", shown.temporal_workflow_id)
    text = said(capsys, "show", shown.pk)

    assert by_id == by_workflow_id
    assert (by_id["status"], by_id["input"], by_id["error_message"]) == ("failed", {"user_id": 1}, "no such account")
    assert [(task["name"], task["status"]) for task in by_id["tasks"]] == [("send_email_activity", "failed")]
    assert [event["action"] for event in by_id["events"]] == ["failed"]
    assert "failed    send_email_activity no such account" in text


def test_one_is_canceled_with_a_reason(capsys: pytest.CaptureFixture[str]) -> None:
    row = execution("running")

    shown = read(capsys, "cancel", row.pk, "--reason", "not needed")

    assert shown["state"] == "canceling"
    assert OutboxMessage.objects.get(aggregate_id=row.temporal_workflow_id).kind == "cancel"
    event = row.events.get()
    assert (event.action, event.user, event.reason) == ("cancel", None, "not needed")


def test_one_is_tried_again_from_where_one_says(capsys: pytest.CaptureFixture[str]) -> None:
    row = execution("failed")

    shown = read(capsys, "reset", row.temporal_workflow_id, "--to", "start", "--reason", "mended")

    assert (shown["status"], shown["attempt"]) == ("running", 2)
    assert OutboxMessage.objects.get(aggregate_id=row.temporal_workflow_id).payload["to"] == "start"
    assert row.events.get().reason == "mended"


def test_what_cannot_be_is_told_in_a_sentence() -> None:
    completed, planned = execution("completed"), execution("failed", temporal_run_id="")

    with pytest.raises(CommandError, match="is completed and cannot become canceled"):
        call_command("executions", "cancel", completed.pk)
    with pytest.raises(CommandError, match="It never ran"):
        call_command("executions", "reset", planned.pk)
    for unknown in ("nothing", str(uuid4())):
        with pytest.raises(CommandError, match="There is no execution"):
            call_command("executions", "show", unknown)
