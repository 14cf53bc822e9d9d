"""What surrounds activities: sound database connections, log lines that say whose they are."""

import json
import logging
from collections.abc import Iterator
from io import StringIO
from itertools import count
from typing import Any

import pytest
import structlog
from django.db import connection
from temporalio import activity

from apps.temporal.tests.conftest import Probe
from config.logs import logging_config

postgresql_alone = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no connections that could die")
KILL = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid NOT IN (pg_backend_pid(), %s)
"""


def backend() -> int:
    """The process that serves this thread's connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    return int(pid)


@postgresql_alone
@pytest.mark.django_db(transaction=True)
def test_activities_outlive_the_death_of_every_database_connection(probe: Probe) -> None:
    spared, calls = backend(), count(1)

    @activity.defn
    def ask_database() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.01)")
            if next(calls) == 40:
                cursor.execute(KILL, [spared])

    assert probe(ask_database, times=100, slots=10, attempts=3) == 100


@postgresql_alone
@pytest.mark.django_db(transaction=True)
def test_a_connection_that_died_between_two_activities_costs_no_attempt(probe: Probe) -> None:
    @activity.defn
    def lose_connection() -> None:
        backend()
        connection.connection.close()

    assert probe(lose_connection, times=30, slots=2, attempts=1) == 30


@pytest.fixture
def log() -> Iterator[StringIO]:
    """What production would write."""
    formatter = dict(logging_config(level="INFO", json=True)["formatters"]["structlog"])
    handler = logging.StreamHandler(out := StringIO())
    handler.setFormatter(formatter.pop("()")(**formatter))
    logging.getLogger().addHandler(handler)
    yield out
    logging.getLogger().removeHandler(handler)
    logging_config(level="WARNING", json=False)


def lines(log: StringIO, event: str) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, log.getvalue().splitlines()) if line["event"] == event]


@activity.defn
def talk() -> None:
    """Log in three ways, then fail the first attempt."""
    activity.logger.warning("said_by_the_activity", extra={"colour": "red"})
    logging.getLogger("a.library").warning("said_by_a_library")
    structlog.get_logger("an.app").warning("said_by_an_app", colour="blue")
    if activity.info().attempt == 1:
        raise RuntimeError("try again")


@pytest.mark.parametrize("event", ["said_by_the_activity", "said_by_a_library", "said_by_an_app"])
def test_each_line_of_an_activity_says_whose_it_is(probe: Probe, log: StringIO, event: str) -> None:
    probe(talk, times=1, slots=1, attempts=2)

    first, second = lines(log, event)
    assert (first["workflow_id"], first["activity"], first["attempt"]) == (probe.workflow_id, "talk", 1)
    assert (second["workflow_id"], second["activity"], second["attempt"]) == (probe.workflow_id, "talk", 2)
    assert len(first["run_id"]) == 36
    assert first["run_id"] == second["run_id"]


def test_the_fields_of_a_line_are_kept_and_the_sdks_own_are_not(probe: Probe, log: StringIO) -> None:
    probe(talk, times=1, slots=1, attempts=2)

    line = lines(log, "said_by_the_activity")[0]
    assert (line["colour"], line["level"]) == ("red", "warning")
    assert not [name for name in line if name.startswith(("temporal_", "__"))]


def test_a_line_outside_activities_carries_none_of_their_ids(probe: Probe, log: StringIO) -> None:
    probe(talk, times=1, slots=1, attempts=2)

    logging.getLogger("a.library").warning("said_afterwards")

    assert not {"workflow_id", "run_id", "activity", "attempt"} & lines(log, "said_afterwards")[0].keys()


def test_a_failed_attempt_is_one_line_with_its_ids(probe: Probe, log: StringIO) -> None:
    probe(talk, times=1, slots=1, attempts=2)

    (failed,) = [line for line in map(json.loads, log.getvalue().splitlines()) if "try again" in line.get("exception", "")]
    assert (failed["workflow_id"], failed["activity"], failed["attempt"]) == (probe.workflow_id, "talk", 1)
