"""The onboarding workflow against a real server."""

from uuid import uuid4

import pytest
from django.core import mail
from pytest_django.fixtures import Settings
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ActivityError, ApplicationError

from apps.development.testing import Temporal
from apps.onboarding.shared import WORKFLOW, OnboardingResult, OnboardingWorkflowInput
from apps.users.models import User


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_user("ada@example.com", name="Ada")


def wanted(user: User, **fields: float) -> OnboardingWorkflowInput:
    return OnboardingWorkflowInput(user_id=user.pk, email=user.email, name=user.name, **fields)


def test_a_new_user_is_checked_welcomed_and_followed_up(temporal: Temporal, ada: User) -> None:
    result = temporal.execute(WORKFLOW, wanted(ada, follow_up_delay=0.1))

    ada.refresh_from_db()
    assert result == OnboardingResult(user_id=ada.pk, status="completed")
    assert ada.profile_checked_at is not None
    assert [(message.to, message.subject) for message in mail.outbox] == [
        (["ada@example.com"], "Welcome"),
        (["ada@example.com"], "How is it going?"),
    ]


def test_the_wait_of_a_day_is_skipped_by_the_test_server(skipping_temporal: Temporal, ada: User) -> None:
    handle = skipping_temporal.start(WORKFLOW, wanted(ada, follow_up_delay=24 * 60 * 60))

    assert skipping_temporal.run(handle.result()) == OnboardingResult(user_id=ada.pk)
    description = skipping_temporal.run(handle.describe())
    assert description.close_time is not None
    assert (description.close_time - description.start_time).total_seconds() >= 24 * 60 * 60


def test_plain_json_takes_the_delay_from_the_settings(temporal: Temporal, ada: User, settings: Settings) -> None:
    settings.ONBOARDING_FOLLOW_UP_DELAY = 0.1
    plain = {"user_id": ada.pk, "email": ada.email, "name": ada.name}

    handle = temporal.run(temporal.client.start_workflow(WORKFLOW, plain, id=f"plain-{uuid4()}", task_queue=temporal.task_queue))

    assert temporal.run(handle.result()) == {"user_id": ada.pk, "status": "completed"}
    assert len(mail.outbox) == 2


def test_an_unknown_account_fails_the_onboarding_at_once(temporal: Temporal) -> None:
    with pytest.raises(WorkflowFailureError) as caught:
        temporal.execute(WORKFLOW, OnboardingWorkflowInput(user_id=404, email="nobody@example.com", name="Nobody"))

    assert isinstance(caught.value.cause, ActivityError)
    assert isinstance(caught.value.cause.cause, ApplicationError)
    assert caught.value.cause.cause.type == "UnknownUser"
    assert mail.outbox == []
