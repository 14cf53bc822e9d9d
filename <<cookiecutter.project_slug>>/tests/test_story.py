"""The whole story of an execution as a person lives it, in a real browser against a real Temporal server."""

from contextlib import suppress
from uuid import uuid4

import pytest
from django.core import mail
from playwright.sync_api import expect
from pytest_django import Settings

from apps.development.testing import Temporal
from apps.executions import buffer
from apps.executions.models import Execution
from apps.executions.tests.rows import person
from apps.temporal import client
from apps.temporal.exceptions import ExecutionFailed
from apps.temporal.relay import deliver_all
from apps.users.models import User
from tests.browsing import Open
from tests.installation import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS_BETWEEN_MAILS = 2


def test_planned_started_watched_failed_mended_completed_and_written_up(
    temporal: Temporal, open_page: Open, settings: Settings
) -> None:
    settings.REPORTS = {"user_onboarding": {"formats": ["html"]}}
    late = uuid4().int % 10**9
    page = open_page("/executions/new/?workflow=user_onboarding", person("ada", "add_execution"))

    for label, text in (("User id", late), ("Email", "late@example.com"), ("Name", "Late"), ("Follow up", SECONDS_BETWEEN_MAILS)):
        page.get_by_label(label).fill(str(text))
    page.get_by_role("button", name="Plan it").click()
    standing = page.locator(".standing")
    expect(standing).to_contain_text("Planned")
    expect(page.locator(".timeline li")).to_have_count(3)

    page.get_by_role("button", name="Start").click()
    expect(standing).to_contain_text("Queued")
    page.evaluate("window.isTheSame = true")
    deliver_all()
    execution = Execution.objects.get()
    with suppress(ExecutionFailed):
        client.result(execution.temporal_workflow_id, timeout=20)
    expect(standing).to_contain_text("Failed")
    expect(page.locator("p.problem")).to_have_text(f"UnknownUser: no account {late}")
    assert page.evaluate("window.isTheSame")

    User.objects.bulk_create([User(pk=late, email="late@example.com", name="Late")])
    page.get_by_role("link", name="Try again").click()
    page.get_by_label("Reason").fill("the account is there now")
    page.get_by_role("button", name="Try again").click()
    page.evaluate("window.isTheSame = true")
    deliver_all()
    wait_until(lambda: client.query(execution.temporal_workflow_id, "current_step") == "waiting to follow up", seconds=20)
    buffer.flush()
    expect(standing).to_contain_text("2 of")
    client.result(execution.temporal_workflow_id, timeout=20)
    expect(standing).to_contain_text("Completed")
    expect(standing).to_contain_text("3 of 3 tasks done")
    expect(page.locator(".trail")).to_contain_text("the account is there now")
    assert page.evaluate("window.isTheSame")

    deliver_all()
    page.get_by_role("link", name="Reports").first.click()
    downloads = page.get_by_role("link", name="Download")
    wait_until(lambda: page.reload() is not None and downloads.count() == 2, seconds=20)
    with page.expect_download() as download:
        downloads.first.click()
    assert "onboarding" in download.value.path().read_text().lower()
    assert [message.subject for message in mail.outbox if message.to == ["late@example.com"]] == ["Welcome", "How is it going?"]
