"""The whole story of an execution as a person lives it, in a real browser against a real Temporal server."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from playwright.sync_api import expect
from pytest_django import Settings

from apps.development.testing import PATIENCE, Temporal
from apps.executions import buffer
from apps.executions.models import Execution
from apps.executions.tests.rows import person
from apps.notifications import mails
from apps.notifications.mails import send_once
from apps.temporal import client
from apps.temporal.exceptions import ExecutionFailed
from apps.temporal.relay import deliver_all
from apps.users.models import User
from tests.browsing import Open
from tests.installation import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS_BETWEEN_MAILS = 1
FOLLOW_UP = "How is it going?"


class Held:
    """The follow-up mail: `is_due` once it is to be sent, which it is not before `may_go`."""

    def __init__(self) -> None:
        self.is_due, self.may_go = threading.Event(), threading.Event()

    def send_once(self, **mail: Any) -> bool:
        if mail["subject"] == FOLLOW_UP:
            self.is_due.set()
            assert self.may_go.wait(PATIENCE)
        return send_once(**mail)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    held = Held()
    monkeypatch.setattr(mails, "send_once", held.send_once)
    yield held
    held.may_go.set()


def test_planned_started_watched_failed_mended_completed_and_written_up(
    temporal: Temporal, open_page: Open, settings: Settings, held: Held
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
        client.result(execution.temporal_workflow_id, timeout=PATIENCE)
    expect(standing).to_contain_text("Failed")
    expect(page.locator("p.problem")).to_have_text(f"UnknownUser: no account {late}")
    assert page.evaluate("window.isTheSame")

    User.objects.bulk_create([User(pk=late, email="late@example.com", name="Late")])
    page.get_by_role("link", name="Try again").click()
    page.get_by_label("Reason").fill("the account is there now")
    page.get_by_role("button", name="Try again").click()
    page.evaluate("window.isTheSame = true")
    deliver_all()
    assert held.is_due.wait(PATIENCE)
    assert client.query(execution.temporal_workflow_id, "current_step") == "sending the follow-up mail"
    buffer.flush()
    expect(standing).to_contain_text("2 of 3")
    held.may_go.set()
    client.result(execution.temporal_workflow_id, timeout=PATIENCE)
    expect(standing).to_contain_text("Completed")
    expect(standing).to_contain_text("3 of 3 tasks done")
    expect(page.locator(".trail")).to_contain_text("the account is there now")
    assert page.evaluate("window.isTheSame")

    deliver_all()
    page.get_by_role("link", name="Reports").first.click()
    downloads = page.get_by_role("link", name="Download")
    wait_until(lambda: page.reload() is not None and downloads.count() == 2)
    with page.expect_download() as download:
        downloads.first.click()
    assert "onboarding" in download.value.path().read_text().lower()
    assert [message.subject for message in mail.outbox if message.to == ["late@example.com"]] == ["Welcome", FOLLOW_UP]
