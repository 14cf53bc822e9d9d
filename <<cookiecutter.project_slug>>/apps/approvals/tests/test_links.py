"""The token of a link: in the mail, and nowhere else."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from temporalio.exceptions import ApplicationError

from apps.approvals import asking, links
from apps.approvals.models import PeopleRequest, Person
from apps.approvals.tasks import tell_person
from apps.approvals.tests.conftest import ADA, BOB
from apps.executions.models import Execution
from apps.temporal.models import OutboxMessage
from config.logs import hide_links

pytestmark = pytest.mark.django_db
type Ask = Callable[..., PeopleRequest]


def tell(person: Person, **more: str) -> bool:
    return bool(tell_person.func(str(person.pk), **more))


def told() -> list[Any]:
    return [message.payload for message in OutboxMessage.objects.filter(kind="activity")]


def test_everybody_is_written_to_once_with_a_link_of_their_own(ask: Ask) -> None:
    request = ask(ADA, BOB, message="Please look at page 3.")

    sent = [tell(person) for person in [*request.people.all(), *request.people.all()]]

    assert sent == [True, True, False, False]
    assert [message.to for message in mail.outbox] == [[ADA], [BOB]]
    assert mail.outbox[0].subject == "Please decide: The contract"
    assert "Please look at page 3." in mail.outbox[0].body
    bodies = [message.body for message in mail.outbox]
    assert [links.url_of(person) in body for person, body in zip(request.people.all(), bodies, strict=True)] == [True, True]
    assert len(links.token_of(request.people.get(email=ADA))) == 43


def test_the_token_is_not_stored_and_not_told_to_temporal(ask: Ask) -> None:
    person = ask().people.get()
    tell(person)
    token = links.token_of(person)

    tables = connection.introspection.table_names()
    models = [model for model in apps.get_models() if model._meta.db_table in tables]
    rows = [str(values) for model in models for values in model._base_manager.values()]

    assert not [row for row in rows if token in row]
    assert token not in json.dumps(told())
    assert [each["args"] for each in told()] == [[str(person.pk)]]
    assert token in mail.outbox[0].body


def test_a_link_survives_a_change_of_the_secret_key(ask: Ask, settings: Settings) -> None:
    person = ask().people.get()
    mailed = links.token_of(person)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another-secret-key-that-is-long-enough"

    assert links.token_of(person) == mailed
    assert links.find(mailed) == person

    settings.SECRET_KEY_FALLBACKS = []
    renewed = links.token_of(person)
    assert links.find(renewed) == person
    assert links.find(mailed) is None


def test_those_who_have_not_answered_are_reminded_and_no_others(ask: Ask) -> None:
    request = ask(ADA, BOB, quorum="all")
    request.people.filter(email=ADA).update(status="approved")

    assert asking.remind(str(request.pk)) == 1

    person, reminder = request.people.get(email=BOB), next(each for each in told() if each["kwargs"])
    assert tell(person, **reminder["kwargs"])
    assert mail.outbox[0].subject == "Reminder: Please decide: The contract"
    request.people.update(status="approved")
    assert not tell(person, reminder="later")


def test_a_repeated_reminder_is_one_mail(ask: Ask) -> None:
    request = ask()
    first, second, later = ((timezone.now() + timedelta(hours=hours)).isoformat() for hours in (-2, -1, 1))

    def reminded(*moments: str) -> bool:
        PeopleRequest.objects.update(remind_at=moments)
        asking.remind(str(request.pk))
        newest = OutboxMessage.objects.filter(kind="activity").order_by("pk").last()
        assert newest is not None
        return tell(request.people.get(), **newest.payload["kwargs"])

    assert [reminded(first, later), reminded(first, later), reminded(first, second, later)] == [True, False, True]


def test_a_mail_that_comes_too_late_is_not_sent(ask: Ask) -> None:
    request = ask()
    PeopleRequest.objects.update(expires_at=timezone.now())

    assert not tell(request.people.get())
    assert mail.outbox == []


def test_a_repeated_activity_asks_once(ask: Ask, execution: Execution) -> None:
    first, again = ask(), ask()

    assert first == again
    assert (Person.objects.count(), len(told())) == (1, 1)
    assert execution.events.filter(action="paused").count() == 1


def test_a_line_break_in_a_title_adds_no_header(ask: Ask) -> None:
    person = ask(title="Yes\r\nBcc: eve@example.com").people.get()

    tell(person)

    assert mail.outbox[0].subject == "Please decide: Yes Bcc: eve@example.com"


def test_the_lines_of_the_log_do_not_have_it(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    token = links.token_of(ask().people.get())

    Client().post(f"/api/v1/approvals/{token}/decision", {"decision": "maybe"}, "application/json")

    lines = [record.getMessage() for record in caplog.records]
    assert any(token in line for line in lines)
    assert not any(token in hide_links(None, "warning", {"event": line})["event"] for line in lines)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"people": []}, "nobody to ask"),
        ({"people": ["nobody"]}, "no e-mail address"),
        ({"people": [ADA], "quorum": "2"}, "2 of 1 people"),
        ({"people": [f"{number}@example.com" for number in range(101)]}, "100 at most"),
        ({"people": [ADA], "kind": "signature", "on_timeout": "approve"}, "no answer is no signature"),
        ({"people": [ADA], "documents": [asking.Document(name="a", media_type="b", content=b"x" * (20 * 2**20 + 1))]}, "20 MiB"),
    ],
)
def test_what_makes_no_sense_is_not_asked(execution: Execution, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(asking.CannotAsk, match=message):
        asking.open_request(execution_id=str(execution.pk), step="ask", question=asking.Question(**{"kind": "approval", **asked}))

    execution.refresh_from_db()
    assert execution.status == "running"


def test_an_execution_that_has_ended_asks_nobody(ask: Ask, execution: Execution) -> None:
    Execution.objects.update(status="canceled")

    with pytest.raises(ApplicationError, match="the execution is canceled"):
        ask()
