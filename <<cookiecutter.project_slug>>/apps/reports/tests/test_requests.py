"""When reports are written: at the end of what the settings name, every day, and when somebody asks. Each once."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from apps.development.testing import Temporal
from apps.executions import projection
from apps.executions.models import Execution
from apps.executions.services import cancel_execution
from apps.executions.tests.rows import execution, person
from apps.reports import services, tasks
from apps.reports.checks import check_reports
from apps.reports.models import Report
from apps.reports.shared import DAILY_REPORT, DailyReportInput, DailyReportResult
from apps.reports.tests.ends import AT_THE_END, end, enqueued, write
from apps.temporal import relay
from apps.temporal.models import OutboxMessage

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _written_up(settings: Settings) -> None:
    settings.REPORTS = {"user_onboarding": AT_THE_END}


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
    today = timezone.localdate()

    first = temporal.execute(DAILY_REPORT, DailyReportInput())
    # Midnight may have passed since.
    day = first.day
    again = temporal.execute(DAILY_REPORT, DailyReportInput(day=day))

    reports = list(Report.objects.exclude(day=None).order_by("format"))
    assert today <= day + timedelta(days=1) <= timezone.localdate()
    assert first == again == DailyReportResult(day=day, reports=[f"summary-{day}.html", f"summary-{day}.csv"])
    assert [(report.filename, report.status) for report in reports] == [
        (f"summary-{day}.csv", "ready"),
        (f"summary-{day}.html", "ready"),
    ]
    assert [tasks.mail_reports.call(keys) for name, (keys, *_) in enqueued() if name == "mail_reports"] == [1, 0]


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
