"""`manage.py startbatch`."""

import json
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from apps.batch.models import Batch
from apps.batch.tests.people import make_users
from apps.development.testing import PATIENCE, Temporal
from apps.temporal.models import OutboxMessage

pytestmark = pytest.mark.django_db


def start(*arguments: str) -> str:
    out = StringIO()
    call_command("startbatch", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("arguments", "user_ids", "rows"),
    [
        (["--user-ids", "1", "2"], [1, 2], None),
        (["--all-users"], [], {"model": "users.User", "filter": {}}),
        (["--model", "users.User"], [], {"model": "users.User", "filter": {}}),
        (
            ["--model", "users.User", "--filter", '{"is_active": true}'],
            [],
            {"model": "users.User", "filter": {"is_active": True}},
        ),
    ],
    ids=["ids", "all", "model", "filter"],
)
def test_rows_are_named_in_one_of_three_ways(arguments: list[str], user_ids: list[int], rows: object) -> None:
    said = start("nightly", *arguments)

    wanted = OutboxMessage.objects.get().payload["argument"]
    assert said.startswith("Accepted batch-nightly;")
    assert (wanted["user_ids"], wanted["rows"], wanted["action"]) == (user_ids, rows, "check_profile")


def test_the_same_command_again_is_the_same_batch() -> None:
    for _ in range(2):
        start("nightly", "--all-users")

    assert OutboxMessage.objects.count() == Batch.objects.count() == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "users.User", "--filter", "{is_active}"], "--filter is not JSON"),
        (["--model", "users.User", "--filter", "[1]"], "--filter is not an object"),
        (["--model", "users.ApiToken"], r"works on users\.User, not on users\.ApiToken"),
        (["--model", "users.User", "--filter", '{"shoe_size": 42}'], "has no field 'shoe_size'"),
        (["--all-users", "--action", "no_such"], "choose check_profile"),
        (["--all-users", "--user-ids", "1"], "not allowed with"),
        (["--user-ids", "ada"], "invalid int value"),
        ([], "required"),
    ],
)
def test_what_cannot_be_a_batch_is_refused_with_a_sentence(arguments: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        start("nightly", *arguments)

    assert not OutboxMessage.objects.exists()


def test_another_batch_of_the_same_name_is_refused() -> None:
    start("nightly", "--all-users")

    with pytest.raises(CommandError, match="'nightly' is the id of another batch"):
        start("nightly", "--user-ids", "1")


def test_it_waits_for_the_result_when_asked_to(temporal: Temporal) -> None:
    make_users(3, broken=(0,))

    said = start(batch_id := f"waited-{uuid4()}", "--all-users", "--wait", f"{PATIENCE}")

    result = json.loads(said.partition("\n")[2])
    assert (result["batch_id"], result["succeeded"], result["failed"]) == (batch_id, 2, 1)


def test_waiting_ends_with_a_sentence_when_nobody_works(temporal_server: str, settings: Settings) -> None:
    settings.TEMPORAL_ADDRESS, settings.TEMPORAL_TASK_QUEUE = temporal_server, f"nobody-{uuid4()}"
    batch_id = f"waited-{uuid4()}"

    with pytest.raises(CommandError, match=f"batch-{batch_id} has not ended within 0.2 s; it goes on."):
        start(batch_id, "--all-users", "--wait", "0.2")
