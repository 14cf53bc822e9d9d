"""What the tests of notifications need."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from apps.executions.models import Execution
from apps.executions.tests.rows import execution, person
from apps.notifications.models import Contact
from apps.notifications.tests.receiver import SECRET, Receiver, receiver
from apps.users.models import User


@pytest.fixture
def ada(db: None) -> User:
    return person("ada")


@pytest.fixture
def started(ada: User) -> Execution:
    """One that she started by hand."""
    return execution("running", ada, trigger="manual")


@pytest.fixture
def hook(settings: Settings, ada: User) -> Iterator[Receiver]:
    """Her webhook."""
    settings.WEBHOOK_ALLOW_INTERNAL = True
    with receiver() as running:
        Contact.objects.create(user=ada, webhook_url=running.url, webhook_secret=SECRET)
        yield running
