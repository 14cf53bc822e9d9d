"""When reports are written: at the end of what the settings name, every day, and when somebody asks. Each once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import InterfaceError, OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from apps.development.testing import Temporal
from apps.executions import projection
from apps.executions.models import Execution
from apps.executions.services import cancel_execution
from apps.executions.shared import End
from apps.executions.shared import Report as Ending
from apps.executions.tests.rows import execution, person
from apps.reports import services, tasks, writing
from apps.reports.activities import write_daily_report
from apps.reports.checks import check_reports
from apps.reports.models import Report
from apps.reports.shared import DAILY_REPORT, DailyReportInput, DailyReportResult
from apps.temporal import relay
from apps.temporal.models import OutboxMessage

pytestmark = pytest.mark.django_db
AT_THE_END = {"formats": ["html", "csv"], "recipients": ["owner", "ops@example.com"]}


@pytest.fixture(autouse=True)
def _written_up(settings: Settings) -> None:
    settings.REPORTS = {"user_onboarding": AT_THE_END}


def end(found: Execution, status: str = "completed") -> None:
    end = End(
        workflow_id=found.temporal_workflow_id,
        workflow=found.workflow,
        run_id=found.temporal_run_id,
        report=Ending(status=status),
    )
    projection.record((), [end])


def enqueued() -> list[tuple[str, list[Any]]]:
    """Tasks in the outbox: the function's name, its arguments."""
    messages = OutboxMessage.objects.filter(kind="activity").order_by("pk")
    return [(message.payload["task"].rpartition(".")[2], message.payload["args"]) for message in messages]


def write(found: Execution, *, tried: int = 1) -> int:
    """As a worker's try of that number."""
    written: int = tasks.write_reports.func(type("Context", (), {"attempt": tried})(), str(found.pk), 1)
    return written


def send(report: Report, recipients: list[str]) -> int:
    """As a worker's first try."""
    sent: int = tasks.send_report.func(type("Context", (), {"attempt": 1})(), str(report.pk), recipients)
    return sent


@pytest.mark.parametrize("status", ["completed", "failed", "canceled"])
def test_an_end_is_written_up_where_the_settings_want_it(status: str) -> None:
    found = execution(user=person())

    end(found, status)

    reports = Report.objects.order_by("format")
    assert [(report.format, report.status, report.attempt) for report in reports] == [("csv", "queued", 1), ("html", "queued", 1)]
    assert reports[0].recipients == ["ada@example.com", "ops@example.com"]
    assert enqueued() == [("write_reports", [str(found.pk), 1])]


def test_the_end_of_what_people_have_defined_is_written_up(settings: Settings) -> None:
    settings.REPORTS = {"shop/quote": AT_THE_END}
    found = execution(workflow="shop/quote", temporal_workflow_id="exec_1")

    end(found)

    assert check_reports(app_configs=None) == []
    assert write(found) == 2
    assert {report.filename for report in Report.objects.ready()} == {"exec_1-1.csv", "exec_1-1.html"}
    assert b"Quote: completed" in Report.objects.get(format="html").content


def test_an_end_that_nobody_wants_written_up_costs_no_query() -> None:
    wanted, unwanted = execution(), execution(workflow="batch_processing")

    def queries_of(found: Execution) -> int:
        with CaptureQueriesContext(connection) as caught:
            end(found)
        return len([query for query in caught if "reports_report" in query["sql"]])

    assert (queries_of(unwanted), Report.objects.exists()) == (0, False)
    assert queries_of(wanted) > 0


def test_what_was_canceled_before_it_ran_is_not_written_up() -> None:
    cancel_execution(execution("pending"), user=None)

    assert not Report.objects.exists()


def test_an_execution_of_nobody_has_no_owner_to_mail() -> None:
    end(execution())

    assert {tuple(report.recipients) for report in Report.objects.all()} == {("ops@example.com",)}


def test_each_attempt_is_written_up_for_itself() -> None:
    found = execution(user=person())
    end(found, "failed")
    found.refresh_from_db()
    projection.begin_attempt(found, reason="", keep_done=True)
    found.temporal_run_id = "another"
    found.save()

    end(found)

    assert sorted(Report.objects.values_list("attempt", "format")) == [(1, "csv"), (1, "html"), (2, "csv"), (2, "html")]


def test_a_task_writes_what_is_queued_and_has_it_mailed() -> None:
    found = execution(user=person())
    end(found)

    assert write(found) == 2
    keys = sorted(str(pk) for pk in Report.objects.values_list("pk", flat=True))

    assert {report.status for report in Report.objects.all()} == {"ready"}
    name, (mailed,) = enqueued()[-1]
    assert (name, sorted(mailed)) == ("mail_reports", keys)
    assert tasks.mail_reports.call(keys) == 2


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_database_that_is_away_for_a_while_costs_no_report(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    found = execution()
    end(found)

    with monkeypatch.context() as away:
        away.setattr(writing, "compose", _raise(error))
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
    monkeypatch.setattr(writing, "compose", _raise(OperationalError))

    assert write(found, tried=settings.TASKS["patient"]["OPTIONS"]["max_attempts"]) == 0

    assert set(Report.objects.values_list("status", "error")) == {("failed", "It could not be written: OperationalError.")}


def _raise(error: type[Exception]) -> Callable[[Report], bytes]:
    def compose(_: Report) -> bytes:
        raise error

    return compose


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


def test_the_whole_way_from_an_end_to_one_mail(temporal: Temporal, settings: Settings) -> None:
    settings.REPORTS = {"user_onboarding": {"formats": ["html"], "recipients": ["ops@example.com"]}}
    found = execution()
    end(found)

    def deliver() -> None:
        relay.deliver_due()
        # Not what a task that was just delivered has enqueued by now.
        for task_id in OutboxMessage.objects.filter(kind="activity", status="sent").values_list("aggregate_id", flat=True):
            temporal.run(temporal.client.get_activity_handle(task_id).result())

    deliver()
    deliver()

    assert Report.objects.get().status == "ready"
    assert [message.to for message in mail.outbox] == [["ops@example.com"]]


def test_a_report_that_is_asked_for_twice_is_one() -> None:
    found = execution("failed")

    first, second = (services.request_report(execution=found, format="csv") for _ in range(2))

    assert first == second
    assert Report.objects.count() == 1


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
    monkeypatch.setattr(writing, "compose", _raise(ZeroDivisionError))
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


def test_a_report_that_failed_is_tried_again_and_one_that_is_there_is_not() -> None:
    found = execution("failed")
    report = services.request_report(execution=found, format="csv")
    report.failed("It could not be written.")
    OutboxMessage.objects.all().delete()

    again = services.request_report(execution=found, format="csv")
    assert (again.status, again.error, len(enqueued())) == ("queued", "", 1)

    again.written(b"x")
    assert services.request_report(execution=found, format="csv").status == "ready"
    assert len(enqueued()) == 1


@pytest.mark.parametrize(
    ("status", "format", "field"), [("running", "html", "execution"), ("failed", "docx", "format"), ("failed", "pdf", "format")]
)
def test_what_cannot_be_written_is_refused_by_the_name_of_its_field(
    monkeypatch: pytest.MonkeyPatch,
    status: str,
    format: str,  # noqa: A002
    field: str,
) -> None:
    monkeypatch.setattr(services, "can_write", lambda format_: format_ != "pdf")

    with pytest.raises(ValidationError) as caught:
        services.request_report(execution=execution(status), format=format)

    assert list(caught.value.message_dict) == [field]


def test_the_summary_of_a_day_is_written_by_a_workflow_and_mailed_once(temporal: Temporal, settings: Settings) -> None:
    settings.REPORT_RECIPIENTS = ["ops@example.com"]
    yesterday = timezone.localdate() - timedelta(days=1)

    results = [temporal.execute(DAILY_REPORT, DailyReportInput()) for _ in range(2)]

    reports = list(Report.objects.exclude(day=None).order_by("format"))
    assert results == [DailyReportResult(day=yesterday, reports=[f"summary-{yesterday}.html", f"summary-{yesterday}.csv"])] * 2
    assert [(report.filename, report.status) for report in reports] == [
        (f"summary-{yesterday}.csv", "ready"),
        (f"summary-{yesterday}.html", "ready"),
    ]
    assert [tasks.mail_reports.call(keys) for name, (keys, *_) in enqueued() if name == "mail_reports"] == [1, 0]


def test_a_database_that_is_away_is_no_end_of_a_summary_and_what_no_try_can_mend_is(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = DailyReportInput(day=timezone.localdate())

    monkeypatch.setattr(writing, "compose", _raise(OperationalError))
    with pytest.raises(OperationalError):
        ActivityEnvironment().run(write_daily_report, wanted)

    monkeypatch.setattr(writing, "compose", _raise(ZeroDivisionError))
    with pytest.raises(ApplicationError) as caught:
        ActivityEnvironment().run(write_daily_report, wanted)
    assert (caught.value.type, caught.value.non_retryable) == ("ReportNotWritten", True)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"nothing": {"formats": ["html"]}}, "no such workflow"),
        ({"user_onboarding": {"formats": []}}, "REPORTS cannot be used: user_onboarding.formats"),
        ({"user_onboarding": {"formats": ["docx"]}}, "REPORTS cannot be used: user_onboarding.formats.0"),
        ({"user_onboarding": {"formats": ["html"], "mail_to": []}}, "REPORTS cannot be used: user_onboarding.mail_to"),
        ({"user_onboarding": {"formats": ["html"], "recipients": ["ada"]}}, "'ada' is neither an e-mail address nor 'owner'"),
    ],
)
def test_settings_that_cannot_be_meant_are_found_before_the_start(settings: Settings, wrong: dict[str, Any], said: str) -> None:
    settings.REPORTS = wrong

    (problem,) = check_reports(app_configs=None)

    assert said in problem.msg


def test_right_settings_are_in_order() -> None:
    assert check_reports(app_configs=None) == []
