"""The mail activity alone: one mail for each key, and errors that say whether trying again helps."""

import email
from collections.abc import Iterator
from dataclasses import replace
from smtplib import SMTPException

import pytest
from django.core import mail
from pytest_django import Settings
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from apps.notifications.activities import send_email_activity
from apps.notifications.models import Mail
from apps.notifications.shared import EmailPayload, EmailResult
from apps.notifications.tests.receiver import nobody_listens
from apps.notifications.tests.smtp import MailServer, mail_server, mailers

pytestmark = pytest.mark.django_db
HELLO = EmailPayload(to="ada@example.com", subject="Hello", body="Good to have you here.", key="hello-ada")


def send(payload: EmailPayload, *, activity_id: str = "1") -> EmailResult:
    """Run the activity as an attempt of a workflow's step."""
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, activity_id=activity_id)
    return environment.run(send_email_activity, payload)


@pytest.fixture
def smtp(settings: Settings) -> Iterator[MailServer]:
    """A mail server that the project sends through."""
    with mail_server() as server:
        settings.MAILERS = server.mailers()
        yield server


def test_a_mail_is_sent_and_recorded() -> None:
    assert send(HELLO) == EmailResult(status="sent", repeated=False)

    (message,) = mail.outbox
    sent = Mail.objects.get()
    assert (message.to, message.subject, message.body) == (["ada@example.com"], "Hello", "Good to have you here.")
    assert (sent.key, sent.recipient, sent.subject) == ("hello-ada", "ada@example.com", "Hello")
    assert sent.sent_at is not None
    assert str(sent) == "Hello → ada@example.com"


def test_the_sender_is_the_projects_unless_one_is_named(settings: Settings) -> None:
    send(HELLO)
    send(replace(HELLO, key="other", from_email="support@example.com"))

    assert [message.from_email for message in mail.outbox] == [settings.DEFAULT_FROM_EMAIL, "support@example.com"]


def test_the_same_key_twice_is_one_mail() -> None:
    first, second = send(HELLO), send(HELLO, activity_id="2")

    assert (first.repeated, second.repeated) == (False, True)
    assert len(mail.outbox) == 1


def test_another_key_is_another_mail() -> None:
    send(HELLO)
    send(replace(HELLO, key="hello-again"))

    assert len(mail.outbox) == 2
    assert len({message.extra_headers["Message-ID"] for message in mail.outbox}) == 2


def test_without_a_key_each_step_is_a_mail_and_its_retry_is_not() -> None:
    unkeyed = replace(HELLO, key=None)

    results = [send(unkeyed, activity_id=activity_id) for activity_id in ("1", "1", "2")]

    assert [result.repeated for result in results] == [False, True, False]
    assert len(mail.outbox) == 2


def test_every_attempt_has_the_same_message_id(smtp: MailServer, settings: Settings) -> None:
    settings.SITE_DOMAIN = "shop.example.com"
    send(HELLO)
    # As if the process had died between the server's yes and the mark.
    Mail.objects.update(sent_at=None)
    send(HELLO)

    first, second = (email.message_from_string(taken)["Message-ID"] for taken in smtp.mails)
    assert first == second
    assert first.endswith("@shop.example.com>")


def test_a_mail_that_is_wanted_again_is_another_one_for_whoever_drops_repetitions() -> None:
    send(HELLO)
    Mail.objects.update(key="attempt 1 of hello-ada")
    send(HELLO)

    assert len({message.extra_headers["Message-ID"] for message in mail.outbox}) == 2


def test_a_mail_service_gets_no_message_id_since_it_may_refuse_the_mail_for_it(settings: Settings) -> None:
    settings.MAILERS = {"default": {"BACKEND": "anymail.backends.test.EmailBackend"}}
    send(HELLO)

    (message,) = mail.outbox
    assert message.extra_headers == {}


def test_a_message_id_tells_nothing_of_its_key() -> None:
    send(HELLO)

    assert "ada" not in Mail.objects.get().message_id


@pytest.mark.parametrize(
    "address", ["", "ada", "ada@", "ada@example.com, eve@example.com", "ada@example.com\nBcc: eve@example.com"]
)
def test_what_is_no_address_is_final_and_sends_nothing(address: str) -> None:
    with pytest.raises(ApplicationError) as caught:
        send(replace(HELLO, to=address))

    assert (caught.value.type, caught.value.non_retryable) == ("InvalidAddress", True)
    assert mail.outbox == []
    assert not Mail.objects.exists()


@pytest.mark.parametrize("step", ["RCPT", "DATA"])
@pytest.mark.parametrize("code", [450, 451, 452])
def test_a_server_that_says_not_now_is_tried_again(smtp: MailServer, step: str, code: int) -> None:
    smtp.codes[step] = code
    with pytest.raises(SMTPException):
        send(HELLO)
    assert Mail.objects.get().sent_at is None

    smtp.codes.clear()
    result = send(HELLO)

    assert result.repeated is False
    assert len(smtp.mails) == 1


@pytest.mark.parametrize("step", ["RCPT", "DATA"])
@pytest.mark.parametrize("code", [550, 552, 554])
def test_a_server_that_says_never_is_final(smtp: MailServer, step: str, code: int) -> None:
    smtp.codes[step] = code

    with pytest.raises(ApplicationError) as caught:
        send(HELLO)

    assert (caught.value.type, caught.value.non_retryable) == ("MailRefused", True)
    assert Mail.objects.get().sent_at is None


def test_a_mail_service_that_refuses_the_recipient_is_final(settings: Settings) -> None:
    settings.MAILERS = {"default": {"BACKEND": "apps.notifications.tests.service.Refusing"}}

    with pytest.raises(ApplicationError) as caught:
        send(HELLO)

    assert (caught.value.type, caught.value.non_retryable) == ("MailRefused", True)


def test_a_sender_that_is_refused_is_tried_again_since_that_is_a_matter_of_settings(smtp: MailServer) -> None:
    smtp.codes["MAIL"] = 550

    with pytest.raises(SMTPException):
        send(HELLO)


def test_a_mail_server_that_is_away_is_tried_again(settings: Settings) -> None:
    with nobody_listens() as port:
        settings.MAILERS = mailers(port)
        with pytest.raises(ConnectionError):
            send(HELLO)

    assert Mail.objects.get().sent_at is None
