"""Database connections in processes that live long and serve no requests."""

from django.db import connections


def close_unusable_connections() -> None:
    """Close this thread's connections that died or are too old; the next query makes new ones.

    Django's close_old_connections, but sparing a transaction that is open around the caller: that of a test.
    """
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
