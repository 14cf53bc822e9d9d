"""Reports on the site and in the API: whose they are, how they are shown, what is refused."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Permission
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.executions.models import Execution
from apps.executions.tests.rows import execution, person
from apps.reports import services
from apps.reports.models import Report
from apps.temporal.models import OutboxMessage
from apps.users.models import User

pytestmark = pytest.mark.django_db
HTML = b"<!DOCTYPE html><title>It failed</title>"


def report_of(found: Execution | None, format: str = "html", content: bytes = HTML, **facts: Any) -> Report:  # noqa: A002
    whose = {"execution": found, "attempt": 1} if found else {"day": "2026-12-01"}
    report = Report.objects.create(format=format, **whose, **facts)
    report.written(content)
    return report


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def ada() -> User:
    return person("ada")


@pytest.fixture
def eve() -> User:
    """Somebody who may view executions, but no reports."""
    return person("eve", "view_execution")


@pytest.fixture
def staff() -> User:
    user = person("staff", "view_execution")
    user.user_permissions.add(Permission.objects.get(codename="view_report"))
    return user


def test_people_see_the_reports_of_their_own_executions_and_staff_see_all(ada: User, eve: User, staff: User) -> None:
    own, summary = report_of(execution("failed", ada)), report_of(None)

    seen = {user.email: browser(user).get("/reports/").content.decode() for user in (ada, eve, staff)}

    assert {email: (own.subject in page, summary.subject in page) for email, page in seen.items()} == {
        "ada@example.com": (True, False),
        "eve@example.com": (False, False),
        "staff@example.com": (True, True),
    }
    assert "None yet." in seen["eve@example.com"]


def test_a_report_is_found_by_those_who_may_read_it_alone(ada: User, eve: User, staff: User, client: Client) -> None:
    report = report_of(execution("failed", ada))
    page, api = f"/reports/{report.pk}/", f"/api/v1/reports/{report.pk}/content"

    answers = {user.email: [browser(user).get(path).status_code for path in (page, api)] for user in (ada, eve, staff)}

    assert answers == {"ada@example.com": [200, 200], "eve@example.com": [404, 404], "staff@example.com": [200, 200]}
    assert [client.get(path).status_code for path in (page, api, "/reports/")] == [302, 401, 302]


def test_html_is_shown_sealed_off_from_the_site(ada: User) -> None:
    report = report_of(execution("failed", ada))

    shown, stored = (browser(ada).get(f"/reports/{report.pk}/{query}") for query in ("", "?download"))

    policy = shown["Content-Security-Policy"]
    assert (shown.content, shown["Content-Type"]) == (HTML, "text/html; charset=utf-8")
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script-src" not in policy
    assert (shown["X-Content-Type-Options"], "no-store" in shown["Cache-Control"]) == ("nosniff", True)
    assert shown["Content-Disposition"] == f'inline; filename="{report.filename}"'
    assert stored["Content-Disposition"] == f'attachment; filename="{report.filename}"'


@pytest.mark.parametrize(("format", "kind"), [("csv", "text/csv; charset=utf-8"), ("pdf", "application/pdf")])
def test_other_formats_are_files(ada: User, format: str, kind: str) -> None:  # noqa: A002
    report = report_of(execution("failed", ada), format, b"some")

    answer = browser(ada).get(f"/reports/{report.pk}/")

    assert (answer["Content-Type"], answer.content) == (kind, b"some")
    assert answer["Content-Disposition"].startswith("attachment;")


def test_a_name_from_outside_is_no_header(ada: User) -> None:
    found = execution("failed", ada, temporal_workflow_id='x"; filename="evil.exe\r\nSet-Cookie: a=b')

    answer = browser(ada).get(f"/reports/{report_of(found).pk}/?download")

    assert "Set-Cookie" not in answer.headers
    assert answer["Content-Disposition"].startswith("attachment; filename*=utf-8''")


def test_what_is_not_ready_cannot_be_read(ada: User) -> None:
    report = Report.objects.create(execution=execution("failed", ada), attempt=1, format="html")

    assert browser(ada).get(f"/reports/{report.pk}/").status_code == 404


def test_a_browser_has_an_execution_written_up(ada: User) -> None:
    found = execution("failed", ada)
    page = f"/reports/?execution={found.pk}"

    answer = browser(ada).post(f"/reports/executions/{found.pk}/", {"format": "csv"})
    shown = browser(ada).get(page).content.decode()

    assert (answer.status_code, answer["Location"]) == (302, page)
    assert Report.objects.get().format == "csv"
    assert "Some are being written." in shown


def test_an_executions_page_leads_to_its_reports_for_those_who_may_read_them(ada: User, eve: User, staff: User) -> None:
    found = execution("failed", ada)
    link = f"/reports/?execution={found.pk}"

    shown = [link in browser(user).get(f"/executions/{found.pk}/").content.decode() for user in (ada, eve, staff)]

    assert shown == [True, False, True]


def test_a_refusal_is_a_message(ada: User) -> None:
    found = execution("running", ada)
    client = browser(ada)

    shown = client.post(f"/reports/executions/{found.pk}/", {"format": "csv"}, follow=True).content.decode()

    assert "a report is written when it has ended" in shown
    assert "It can be written up once it has ended." in shown
    assert not Report.objects.exists()


def test_others_executions_are_written_up_by_those_who_may_read_reports_alone(ada: User, eve: User, staff: User) -> None:
    found = execution("failed", ada)
    wanted = {"execution": str(found.pk), "format": "csv"}
    stranger = person("stranger")

    def asked(user: User) -> list[int]:
        by_form = browser(user).post(f"/reports/executions/{found.pk}/", {"format": "csv"})
        by_api = browser(user).post("/api/v1/reports", json.dumps(wanted), content_type="application/json")
        return [by_form.status_code, by_api.status_code, browser(user).get(f"/reports/?execution={found.pk}").status_code]

    assert [asked(user) for user in (stranger, eve, staff, ada)] == [[404] * 3, [403] * 3, [302, 202, 200], [302, 202, 200]]


@pytest.mark.parametrize("key", ["1", "x", "00000000-0000-0000-0000-000000000000", "../"])
def test_an_execution_that_is_none_is_not_found(ada: User, key: str) -> None:
    assert browser(ada).get("/reports/", {"execution": key}).status_code == 404


def test_the_api_lists_filters_and_describes_reports(ada: User) -> None:
    first, second = execution("failed", ada), execution("completed", ada)
    report, _ = report_of(first), report_of(second, "csv")
    api = browser(ada)

    everything = api.get("/api/v1/reports").json()
    filtered = api.get(f"/api/v1/reports?execution_id={first.pk}").json()
    one = api.get(f"/api/v1/reports/{report.pk}").json()

    assert (everything["count"], filtered["count"]) == (2, 1)
    assert filtered["items"][0] == one
    assert (one["kind"], one["format"], one["status"], one["size"]) == ("execution", "html", "ready", len(HTML))


def test_the_api_says_why_an_execution_cannot_be_written_up(ada: User) -> None:
    wanted = {"execution": str(execution("running", ada).pk), "format": "html"}

    answer = browser(ada).post("/api/v1/reports", json.dumps(wanted), content_type="application/json")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "execution"


def test_a_list_reads_no_contents_and_asks_few_questions(ada: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for _ in range(30):
        report_of(execution("failed", ada), content=b"x" * 1000)
    client = browser(ada)
    client.get("/reports/")

    with django_assert_num_queries(7) as caught:
        first = client.get("/reports/")
    asked = [query["sql"] for query in caught]
    second = client.get("/reports/?page=2").content.decode()

    assert not any('"reports_report"."content"' in query for query in asked)
    assert "Page 1 of 2" in first.content.decode()
    assert second.count("Download") == 10


def test_the_admin_lists_reports_without_what_they_say(admin_client: Client, ada: User) -> None:
    report = report_of(execution("failed", ada))

    listed = admin_client.get("/admin/reports/report/").content.decode()
    one = admin_client.get(f"/admin/reports/report/{report.pk}/change/")

    assert report.filename in listed
    assert one.status_code == 200


def test_people_have_reports_mailed_to_themselves_and_those_with_the_permission_to_anybody(ada: User, staff: User) -> None:
    found = execution("failed", ada)
    staff.user_permissions.add(Permission.objects.get(codename="add_report"))

    def asked(user: User, *recipients: str) -> list[int]:
        wanted = {"execution": str(found.pk), "format": "csv", "recipients": recipients}
        by_form = browser(user).post(f"/reports/executions/{found.pk}/", {"format": "csv", "recipients": ", ".join(recipients)})
        by_api = browser(user).post("/api/v1/reports", json.dumps(wanted), content_type="application/json")
        return [by_form.status_code, by_api.status_code]

    assert asked(ada, "ada@example.com", "eve@example.com") == asked(ada, "eve@example.com") == [403, 403]
    assert not Report.objects.exists()
    assert [asked(ada, "Ada@example.com"), asked(staff, "eve@example.com", "ops@example.com")] == [[302, 202], [302, 202]]
    mailed = OutboxMessage.objects.filter(payload__task="apps.reports.tasks.send_report").order_by("pk")
    assert [message.payload["args"][1] for message in mailed] == [
        *[["Ada@example.com"]] * 2,
        *[["eve@example.com", "ops@example.com"]] * 2,
    ]


@pytest.mark.parametrize("recipients", [["nobody"], ["ada@example.com"] * 21])
def test_recipients_that_cannot_be_are_refused_by_name(admin_client: Client, recipients: list[str]) -> None:
    wanted = {"execution": str(execution("failed").pk), "format": "csv", "recipients": recipients}

    answer = admin_client.post("/api/v1/reports", json.dumps(wanted), content_type="application/json")
    page = f"/reports/executions/{wanted['execution']}/"
    shown = admin_client.post(page, {"format": "csv", "recipients": ",".join(recipients)}, follow=True).content.decode()

    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, ["recipients"])
    assert "is no e-mail address" in shown or "21 are too many" in shown


def test_the_page_says_to_whom_a_report_may_be_mailed(ada: User, staff: User) -> None:
    page = f"/reports/?execution={execution('failed', ada).pk}"
    staff.user_permissions.add(Permission.objects.get(codename="add_report"))

    own, anybody = (browser(user).get(page).content.decode() for user in (ada, staff))

    assert ("Your own address, ada@example.com" in own, "Addresses with commas" in anybody) == (True, True)


def test_an_execution_of_nobody_is_not_everybodys() -> None:
    found = execution("failed")

    assert not any(services.may_request(user, found) for user in (person(), AnonymousUser()))
