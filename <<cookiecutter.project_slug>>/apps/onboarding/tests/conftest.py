"""What several tests of this folder need."""

from uuid import uuid4

import pytest

from apps.users.models import User


def new_user(name: str) -> User:
    """A person who has just got an account, whose onboarding is therefore in the outbox.

    The primary key is part of the workflow id: on SQLite a test that was rolled back would leave its keys to the next one,
    and the Temporal server, which both share, would know them.
    """
    return User.objects.create_user(f"{name}@example.com", name=name.title(), pk=uuid4().int % 2**48)


def old_user(name: str) -> User:
    """A person who had an account before there were onboardings."""
    (user,) = User.objects.bulk_create([User(email=f"{name}@example.com", name=name.title(), pk=uuid4().int % 2**48)])
    return user


@pytest.fixture
def ada(db: None) -> User:
    """See new_user."""
    return new_user("ada")


@pytest.fixture
def bob(db: None) -> User:
    """See old_user."""
    return old_user("bob")
