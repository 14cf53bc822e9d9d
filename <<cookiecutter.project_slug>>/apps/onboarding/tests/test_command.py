"""`manage.py startonboarding`."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.notifications.models import Mail
from apps.temporal.models import OutboxMessage
from apps.users.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def imported(db: None) -> list[User]:
    """Accounts that nobody has onboarded."""
    return User.objects.bulk_create([User(email=f"{name}@example.com", name=name.title()) for name in ("bob", "cleo", "dora")])


def start(*arguments: str) -> str:
    out = StringIO()
    call_command("startonboarding", *arguments, stdout=out)
    return out.getvalue()


def onboarded() -> set[str]:
    return set(OutboxMessage.objects.values_list("aggregate_id", flat=True))


def test_accounts_are_onboarded_by_address_in_any_case(imported: list[User]) -> None:
    bob, cleo, _ = imported

    said = start("bob@example.com", "CLEO@Example.com")

    assert said.startswith("Accepted 2 onboardings")
    assert onboarded() == {f"onboarding-{bob.pk}", f"onboarding-{cleo.pk}"}


def test_all_that_were_never_onboarded_are(imported: list[User], ada: User) -> None:
    assert start("--missing").startswith("Accepted 3 onboardings")
    assert onboarded() == {f"onboarding-{user.pk}" for user in [ada, *imported]}

    assert start("--missing").startswith("Accepted 0 onboardings")


def test_whoever_was_welcomed_is_not_missing_after_the_outbox_forgot_it(imported: list[User]) -> None:
    bob, *_ = imported
    Mail.objects.create(key=f"onboarding-{bob.pk}:welcome", recipient=bob.email, subject="Welcome")

    assert start("--missing").startswith("Accepted 2 onboardings")


def test_a_delay_can_be_given(imported: list[User]) -> None:
    start("bob@example.com", "--follow-up-delay", "2.5")

    assert OutboxMessage.objects.get().payload["argument"]["follow_up_delay"] == 2.5


def test_an_unknown_address_is_named_and_nobody_is_onboarded(imported: list[User]) -> None:
    with pytest.raises(CommandError, match=r"No account has the address eve@example\.com\."):
        start("bob@example.com", "eve@example.com")

    assert onboarded() == set()


@pytest.mark.parametrize("arguments", [(), ("bob@example.com", "--missing")], ids=["nobody", "both"])
def test_whom_must_be_said_in_one_way(imported: list[User], arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        start(*arguments)

    assert onboarded() == set()


def test_accounts_are_read_once_and_not_all_at_once(imported: list[User]) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        start("--missing")

    assert sum('FROM "users_user"' in query["sql"] for query in queries) == 1
