"""No report is lost to what passes, and none is mailed twice, however often its task is tried."""

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import InterfaceError, OperationalError
from django.utils import timezone
from pytest_django import Settings
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from apps.executions.tests.rows import execution, person
from apps.reports import services, tasks, writing
from apps.reports.activities import write_daily_report
from apps.reports.models import Report
from apps.reports.shared import DailyReportInput
from apps.reports.tests.ends import AT_THE_END, end, enqueued, fails_with, send, write
from apps.temporal.models import OutboxMessage

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _written_up(settings: Settings) -> None:
    settings.REPORTS = {"user_onboarding": AT_THE_END}


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_database_that_is_away_for_a_while_costs_no_report(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    found = execution()
    end(found)

    with monkeypatch.context() as away:
        away.setattr(writing, "compose", fails_with(error))
        with pytest.raises(error):
            write(found)
    assert set(Report.objects.values_list("status", flat=True)) == {"queued"}

    assert (write(found), tasks.write_reports.backend) == (2, "patient")
    assert set(Report.objects.values_list("status", flat=True)) == {"ready"}


def test_what_the_database_refuses_to_the_last_try_has_failed(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    found = execution()
    end(found)
    monkeypatch.setattr(writing, "compose", fails_with(OperationalError))

    assert write(found, tried=settings.TASKS["patient"]["OPTIONS"]["max_attempts"]) == 0

    assert set(Report.objects.values_list("status", "error")) == {("failed", "It could not be written: OperationalError.")}


def test_a_try_that_was_killed_between_writing_and_mailing_is_made_good() -> None:
    found = execution(user=person())
    end(found)
    write(found)
    OutboxMessage.objects.filter(payload__task__endswith="mail_reports").delete()

    again = write(found)

    name, (keys,) = enqueued()[-1]
    assert (again, name) == (0, "mail_reports")
    assert [tasks.mail_reports.call(keys) for _ in range(3)] == [2, 0, 0]
    assert len(mail.outbox) == 2


def test_a_report_that_is_asked_for_is_mailed_once_to_each_recipient_also_to_who_had_the_others() -> None:
    found = execution(user=person())
    end(found)
    write(found)
    tasks.mail_reports.call([str(pk) for pk in Report.objects.values_list("pk", flat=True)])
    mail.outbox.clear()
    found.refresh_from_db()

    report = services.request_report(execution=found, format="csv", recipients=["ops@example.com", "eve@example.com"])
    name, arguments = enqueued()[-1]

    assert (name, arguments) == ("send_report", [str(report.pk), ["eve@example.com", "ops@example.com"]])
    assert [send(report, arguments[1]) for _ in range(2)] == [2, 0]
    assert [(message.to, len(message.attachments)) for message in mail.outbox] == [
        (["eve@example.com"], 1),
        (["ops@example.com"], 1),
    ]


def test_a_report_that_is_to_be_mailed_is_written_first_and_one_that_cannot_be_is_not_mailed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad = (services.request_report(execution=execution("failed"), format="csv") for _ in range(2))

    assert send(good, ["ada@example.com"]) == 1
    monkeypatch.setattr(writing, "compose", fails_with(ZeroDivisionError))
    assert send(bad, ["ada@example.com"]) == 0
    assert [Report.objects.get(pk=report.pk).status for report in (good, bad)] == ["ready", "failed"]


@pytest.mark.parametrize(
    "recipients",
    [["ada"], [""], ["ada@example.com, eve@example.com"], [f"{'a' * 60}@{'b.' * 110}example.com"], ["ada@example.com"] * 21],
    ids=["no address", "empty", "two in one", "long", "many"],
)
def test_who_cannot_be_mailed_is_refused(recipients: list[str]) -> None:
    with pytest.raises(ValidationError) as caught:
        services.request_report(execution=execution("failed"), format="csv", recipients=recipients)

    assert list(caught.value.message_dict) == ["recipients"]
    assert not Report.objects.exists()


def test_a_database_that_is_away_is_no_end_of_a_summary_and_what_no_try_can_mend_is(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = DailyReportInput(day=timezone.localdate())

    monkeypatch.setattr(writing, "compose", fails_with(OperationalError))
    with pytest.raises(OperationalError):
        ActivityEnvironment().run(write_daily_report, wanted)

    monkeypatch.setattr(writing, "compose", fails_with(ZeroDivisionError))
    with pytest.raises(ApplicationError) as caught:
        ActivityEnvironment().run(write_daily_report, wanted)
    assert (caught.value.type, caught.value.non_retryable) == ("ReportNotWritten", True)
