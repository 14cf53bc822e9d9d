"""Database connections in processes that live long and serve no requests, and whether the database answers at all."""

import logging
from concurrent.futures import ThreadPoolExecutor

from django.db import connection, connections

logger = logging.getLogger(__name__)

DATABASE_TIMEOUT = 2.0

# One thread: while the database hangs, more would hang with it.
_asking = ThreadPoolExecutor(max_workers=1, thread_name_prefix="health-database")


def close_unusable_connections() -> None:
    """Close this thread's connections that died or are too old; the next query makes new ones.

    Django's close_old_connections, but sparing a transaction that is open around the caller: that of a test.
    """
    for opened in connections.all(initialized_only=True):
        if not opened.in_atomic_block:
            opened.close_if_unusable_or_obsolete()


def database_problem() -> str:
    """Nothing when a new connection answers within DATABASE_TIMEOUT seconds, else a word on what is wrong."""
    asked = _asking.submit(_ask_database)
    try:
        asked.result(DATABASE_TIMEOUT)
    except TimeoutError:
        asked.cancel()
        return f"no answer within {DATABASE_TIMEOUT:g} s"
    except Exception as error:
        logger.exception("database_unreachable")
        return type(error).__name__
    return ""


def _ask_database() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        connections.close_all()
