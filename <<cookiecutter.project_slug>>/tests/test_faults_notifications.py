"""A worker killed while it delivers: another one does, and the receiver can tell that it is the same message."""

from collections.abc import Iterator

import pytest

from apps.notifications.tests.receiver import Receiver, receiver
from tests.installation import Installation, wait_until

FAIL = """
from apps.executions import services
from apps.notifications.models import Contact, Preference
from apps.users.models import User
(user,) = User.objects.bulk_create([User(email="ada@example.com")])
Contact.objects.create(user=user, webhook_url="{url}")
Preference.objects.create(user=user, event="failure", channel="webhook", wanted=True)
nobody = {{"user_id": user.pk + 10**6, "email": "eve@example.com", "name": "Eve"}}
execution = services.plan_execution(workflow="user_onboarding", values=nobody, user=user)
services.start_execution(execution, user=user)
"""
DELIVERED = "SELECT count(*) FROM notifications_notification WHERE status = 'sent'"


@pytest.fixture
def hook() -> Iterator[Receiver]:
    """A receiver of webhooks that takes its time."""
    with receiver() as running:
        running.may_answer.clear()
        yield running
        running.may_answer.set()


def test_a_worker_killed_while_it_delivers_is_followed_by_one_that_says_it_is_the_same(
    installation: Installation, hook: Receiver
) -> None:
    installation.environment["WEBHOOK_ALLOW_INTERNAL"] = "true"
    installation.manage("shell", "--verbosity=0", "-c", FAIL.format(url=hook.url))

    with installation.worker() as killed:
        # The two others are done: a mail that was sent and not yet noted when its worker is killed is sent again.
        wait_until(lambda: hook.calls and installation.number(DELIVERED) == 2)
        killed.kill()
        killed.wait()
    hook.may_answer.set()
    with installation.worker():
        wait_until(lambda: installation.number(DELIVERED) == 3)

    assert len(hook.calls) == 2
    assert len({headers["webhook-id"] for headers, _ in hook.calls}) == 1
    assert len({body for _, body in hook.calls}) == 1
    assert installation.mails_written() == 1
