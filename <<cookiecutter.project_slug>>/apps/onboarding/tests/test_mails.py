"""A mail that the mail server has taken is not sent again, however its activity ends."""

import pytest
from django.core import mail
from django.db.models.signals import post_save

from apps.development.testing import Temporal
from apps.notifications.models import Mail
from apps.onboarding.shared import WORKFLOW, OnboardingWorkflowInput
from apps.users.models import User


def test_an_attempt_that_dies_after_the_send_was_recorded_sends_nothing_again(temporal: Temporal, ada: User) -> None:
    deaths: list[str] = []

    def die_once(*, instance: Mail, created: bool, **_: object) -> None:
        if instance.sent_at and instance.subject == "Welcome" and not deaths:
            deaths.append(instance.key)
            raise SystemError("the process dies right here")

    post_save.connect(die_once, sender=Mail)
    try:
        wanted = OnboardingWorkflowInput(user_id=ada.pk, email=ada.email, name=ada.name, follow_up_delay=0)
        handle = temporal.start(WORKFLOW, wanted)
        temporal.run(handle.result())
    finally:
        post_save.disconnect(die_once, sender=Mail)

    attempts = [
        event.activity_task_started_event_attributes.attempt
        for event in temporal.run(handle.fetch_history()).events
        if event.HasField("activity_task_started_event_attributes")
    ]
    assert deaths == [f"{handle.id}:welcome"]
    assert attempts == [1, 2, 1], "the account, the welcome mail twice, the follow-up"
    assert [message.subject for message in mail.outbox] == ["Welcome", "How is it going?"]


@pytest.mark.parametrize("times", [1, 2])
def test_two_onboardings_of_different_ids_are_different_mails(temporal: Temporal, ada: User, times: int) -> None:
    wanted = OnboardingWorkflowInput(user_id=ada.pk, email=ada.email, name=ada.name, follow_up_delay=0)

    for _ in range(times):
        temporal.execute(WORKFLOW, wanted)

    assert len(mail.outbox) == 2 * times
    assert Mail.objects.exclude(sent_at=None).count() == 2 * times
