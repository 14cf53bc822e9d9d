"""Who is onboarded, when, and once."""

import pytest
from django.core import mail
from django.core.serializers import deserialize, serialize
from django.db import transaction
from pytest_django import Settings

from apps.development.testing import PATIENCE, Temporal
from apps.executions.models import ExecutionEvent
from apps.onboarding.services import cancel_onboarding, onboarding_status, start_onboarding, start_onboardings
from apps.onboarding.tests.conftest import new_user
from apps.temporal import client
from apps.temporal.exceptions import ExecutionFailed, ExecutionNotFound
from apps.temporal.models import OutboxMessage
from apps.temporal.relay import deliver_due
from apps.users.models import User

pytestmark = pytest.mark.django_db


def test_a_new_account_is_onboarded_by_what_its_transaction_commits(ada: User, settings: Settings) -> None:
    message = OutboxMessage.objects.get()

    wanted = {"user_id": ada.pk, "email": "ada@example.com", "name": "Ada"}
    assert message.payload["workflow"] == "user_onboarding"
    assert message.payload["argument"] == {**wanted, "follow_up_delay": settings.ONBOARDING_FOLLOW_UP_DELAY}
    assert message.aggregate_id == f"onboarding-{ada.pk}"
    assert [(event.action, event.by, event.user) for event in ExecutionEvent.objects.all()] == [("start", "code", None)]


def test_an_account_that_is_rolled_back_is_not_onboarded() -> None:
    with transaction.atomic():
        User.objects.create_user("ada@example.com")
        transaction.set_rollback(True)

    assert not OutboxMessage.objects.exists()


def test_an_account_that_changes_is_not_onboarded_again(ada: User) -> None:
    ada.name = "Ada Lovelace"
    ada.save()
    start_onboarding(user=ada)

    assert OutboxMessage.objects.get().payload["argument"]["name"] == "Ada"


def test_accounts_made_in_bulk_or_loaded_from_a_fixture_are_not_onboarded() -> None:
    fixture = serialize("json", [User(pk=7, email="ada@example.com")])

    User.objects.bulk_create([User(email="bob@example.com")])
    for loaded in deserialize("json", fixture):
        loaded.save()

    assert User.objects.count() == 2
    assert not OutboxMessage.objects.exists()


def test_the_wait_can_be_chosen_and_may_be_none_at_all(ada: User) -> None:
    OutboxMessage.objects.all().delete()

    start_onboarding(user=ada, follow_up_delay=0)

    assert OutboxMessage.objects.get().payload["argument"]["follow_up_delay"] == 0


def test_several_accounts_are_onboarded_and_counted(ada: User) -> None:
    User.objects.bulk_create([User(email="bob@example.com"), User(email="cleo@example.com")])

    assert start_onboardings(users=User.objects.all()) == 3
    assert OutboxMessage.objects.count() == 3


def test_an_onboarding_goes_from_pending_to_completed(temporal: Temporal, settings: Settings) -> None:
    settings.ONBOARDING_FOLLOW_UP_DELAY = 0
    ada = new_user("ada")
    assert onboarding_status(user_id=ada.pk) == "pending"

    deliver_due()
    result = client.result(f"onboarding-{ada.pk}", timeout=PATIENCE)

    assert result == {"user_id": ada.pk, "status": "completed"}
    assert onboarding_status(user_id=ada.pk) == "completed"


def test_an_onboarding_is_cancelled_while_it_waits(temporal: Temporal) -> None:
    ada = new_user("ada")
    deliver_due()
    assert onboarding_status(user_id=ada.pk) == "running"

    cancel_onboarding(user_id=ada.pk)
    deliver_due()
    with pytest.raises(ExecutionFailed, match="cancelled"):
        client.result(f"onboarding-{ada.pk}", timeout=PATIENCE)

    assert onboarding_status(user_id=ada.pk) == "canceled"
    assert "How is it going?" not in [message.subject for message in mail.outbox]


def test_an_account_that_was_never_onboarded_has_no_status(temporal: Temporal, bob: User) -> None:
    with pytest.raises(ExecutionNotFound):
        onboarding_status(user_id=bob.pk)
    with pytest.raises(ExecutionNotFound):
        cancel_onboarding(user_id=bob.pk)
