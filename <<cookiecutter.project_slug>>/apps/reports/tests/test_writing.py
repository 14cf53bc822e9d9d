"""What reports say, in each format; that nothing in them can act; who gets them by mail, once."""

import csv
import io
from datetime import date, timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from pytest_django import Settings

from apps.executions.models import Execution, ExecutionEvent, TaskExecution
from apps.executions.tests.rows import execution, person
from apps.reports import documents, writing
from apps.reports.models import Report

pytestmark = pytest.mark.django_db
NOW = timezone.now()
WICKED = "<script>alert(1)</script>"


def ended(**facts: Any) -> Execution:
    """One that ran for a minute: a task that was tried twice, and one that failed."""
    found = execution("failed", started_at=NOW, completed_at=NOW + timedelta(minutes=1), **facts)
    task = {"execution": found, "run_id": found.temporal_run_id, "scheduled_at": NOW, "started_at": NOW}
    TaskExecution.objects.create(
        **task,
        name="count",
        activity_id="1",
        status="success",
        completed_at=NOW + timedelta(seconds=2.5),
        tries=[{"error": "away"}],
    )
    TaskExecution.objects.create(**task, name="=send()", activity_id="2", status="failed", error=WICKED)
    ExecutionEvent.objects.create(
        execution=found,
        action="failed",
        by="workflow",
        before="running",
        after="failed",
        reason=WICKED,
        at=NOW + timedelta(minutes=1),
    )
    return found


def report_of(found: Execution, format: str = "html", **facts: Any) -> Report:  # noqa: A002
    return Report.objects.create(execution=found, attempt=1, format=format, **facts)


def written(report: Report) -> str:
    assert writing.write(report), report.error
    report.refresh_from_db()
    return bytes(report.content).decode("utf-8-sig")


def test_the_html_of_an_execution_says_what_became_of_it_and_of_its_tasks() -> None:
    report = report_of(ended(user=person()))

    text = written(report)

    assert "User onboarding: failed" in text
    assert "1 min 0 s" in text
    assert all(wanted in text for wanted in ("<svg", "count", "2.5", "ada@example.com", "running"))
    assert (report.status, report.size) == ("ready", len(bytes(report.content)))
    assert report.generated_at is not None


def test_what_an_execution_says_of_itself_is_text_in_its_report() -> None:
    text = written(report_of(ended(result={"note": WICKED})))

    assert "<script" not in text
    assert text.count("&lt;script&gt;") >= 3
    assert "http" not in text.replace("http-equiv", "")


def test_the_csv_of_an_execution_is_its_tasks_and_no_cell_is_a_formula() -> None:
    report = report_of(ended(), "csv")

    header, count, send = csv.reader(io.StringIO(written(report)))

    assert header[:2] == ["Task", "Status"]
    assert (count[0], count[1], count[5], count[6]) == ("count", "success", "2.5", "2")
    assert (send[0], send[7]) == ("'=send()", WICKED)


def test_a_report_is_of_its_own_attempt_even_where_another_runs_by_now() -> None:
    found = ended()
    Execution.objects.filter(pk=found.pk).update(status="running", attempt=2, started_at=NOW + timedelta(hours=1))
    TaskExecution.objects.create(execution=found, name="later", activity_id="3", attempt=2)

    text = written(report_of(Execution.objects.get()))

    assert "User onboarding: failed" in text
    assert "1 min 0 s" in text
    assert "later" not in text


def test_the_summary_of_a_day_counts_its_executions_by_workflow() -> None:
    day = timezone.localdate(NOW)
    ended(workflow="batch_processing", created_at=NOW)
    execution("completed", created_at=NOW, started_at=NOW, completed_at=NOW + timedelta(seconds=3))
    execution("completed", created_at=NOW - timedelta(days=1))

    header, batch, onboarding = csv.reader(io.StringIO(written(Report.objects.create(day=day, format="csv"))))
    page = written(Report.objects.create(day=day, format="html"))

    assert header[:4] == ["Workflow", "Executions", "Completed", "Failed"]
    assert (batch[:4], onboarding[:4]) == (["Batch processing", "1", "0", "1"], ["User onboarding", "1", "1", "0"])
    assert onboarding[-1] == "3.0"
    assert "2 in all: 1 completed, 1 failed" in page
    assert page.count("<svg") == 2


def test_an_execution_without_tasks_and_a_day_without_executions_have_reports() -> None:
    empty = execution("canceled")

    assert "It had none." in written(report_of(empty))
    assert "0 in all" in written(Report.objects.create(day=date(2026, 1, 1), format="html"))


def test_a_report_that_cannot_be_written_says_so(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: Report) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr(writing, "compose", fail)
    report = report_of(ended())

    assert not writing.write(report)
    assert (report.status, report.error) == ("failed", "It could not be written: ZeroDivisionError.")


def test_pdf_needs_an_extra_and_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "weasyprint", None)
    report = report_of(ended(), "pdf")

    assert not writing.write(report)
    assert report.error == documents.NO_PDF


def test_pdf_is_written_where_the_extra_is_installed() -> None:
    pytest.importorskip("weasyprint", reason="WeasyPrint is not installed: uv sync --extra pdf")
    report = report_of(ended(), "pdf")

    assert writing.write(report), report.error
    assert bytes(report.content).startswith(b"%PDF-")


def test_each_recipient_gets_one_mail_with_every_format() -> None:
    found = ended()
    reports = [report_of(found, each, recipients=["ada@example.com", "eve@example.com"]) for each in ("html", "csv")]
    for report in reports:
        writing.write(report)

    first, again = writing.mail(reports), writing.mail(reports)

    assert (first, again, len(mail.outbox)) == (2, 0, 2)
    assert [message.to for message in mail.outbox] == [["ada@example.com"], ["eve@example.com"]]
    assert [name for name, *_ in mail.outbox[0].attachments] == [report.filename for report in reports]
    assert f"/reports/?execution={found.pk}" in mail.outbox[0].body


def test_what_is_too_long_for_a_mail_is_left_to_the_site(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "MAX_ATTACHED", 10)
    report = report_of(ended(), recipients=["ada@example.com"])
    writing.write(report)

    writing.mail([report])

    assert mail.outbox[0].attachments == []
    assert "too long for a mail" in mail.outbox[0].body


def test_an_address_that_is_none_keeps_nobody_else_from_the_mail(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    report = report_of(ended(), recipients=["nobody", "ada@example.com"])
    writing.write(report)

    assert writing.mail([report]) == 1
    assert "recipient is refused" in caplog.text
