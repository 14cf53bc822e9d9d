"""What Temporal stores can be read with this project's keys alone."""

import asyncio
import json
import os
import re
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer
from temporalio import activity
from temporalio.api.common.v1 import Payload
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from apps.development.testing import PATIENCE, EventLoopThread
from apps.temporal.codec import EncryptionCodec
from apps.temporal.exceptions import DecryptionFailed
from apps.temporal.plugin import DjangoPlugin
from apps.temporal.tests.secrets import SecretsWorkflow
from apps.users.models import User
from apps.users.services import create_token

SECRET = "the-eagle-has-landed"
OLD, NEW = {"2026-01": b"o" * 32}, {"2026-11": b"n" * 32}
CLEAR = Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(SECRET).encode())

type Connect = Callable[[dict[str, bytes]], Client]
type Run = Callable[[Client, str], WorkflowHandle[Any, Any]]


@activity.defn
def repeat_or_fail(word: str) -> str:
    if word.startswith("fail"):
        raise ApplicationError(f"cannot repeat {word}", {"detail": word})
    return word * 2


@pytest.fixture
def connect(temporal_server: str, loop_thread: EventLoopThread, settings: Settings) -> Connect:
    """A client as the project makes its own, with the keys given."""

    def make(keys: dict[str, bytes]) -> Client:
        settings.TEMPORAL_ENCRYPTION_KEYS = keys
        return loop_thread.run(Client.connect(temporal_server, plugins=[DjangoPlugin()]))

    return make


@pytest.fixture
def run(loop_thread: EventLoopThread) -> Iterator[Run]:
    """Run the workflow to its end, on a worker made from the client."""
    with ThreadPoolExecutor(1) as executor:

        async def to_the_end(client: Client, word: str) -> WorkflowHandle[Any, Any]:
            queue = f"codec-{uuid4()}"
            async with Worker(
                client,
                task_queue=queue,
                workflows=[SecretsWorkflow],
                activities=[repeat_or_fail],
                activity_executor=executor,
                max_concurrent_activities=1,
            ):
                handle = await client.start_workflow(
                    SecretsWorkflow.run, word, id=queue, task_queue=queue, memo={"note": word}, static_summary=word
                )
                await handle.signal(SecretsWorkflow.say, word)
                try:
                    await handle.result()
                except WorkflowFailureError:
                    return handle
                return handle

        yield lambda client, word: loop_thread.run(to_the_end(client, word))


def readable(history: str) -> str:
    """A history (JSON) and, as text, what its payloads hold."""
    return history + "".join(b64decode(data).decode(errors="replace") for data in re.findall(r'"data": "([^"]*)"', history))


def recorded(loop_thread: EventLoopThread, handle: WorkflowHandle[Any, Any]) -> str:
    return readable(loop_thread.run(handle.fetch_history()).to_json())


def seal(keys: dict[str, bytes]) -> Payload:
    (sealed,) = asyncio.run(EncryptionCodec(keys).encode([CLEAR]))
    return sealed


@pytest.mark.parametrize("word", [SECRET, f"fail-{SECRET}"], ids=["completed", "failed"])
def test_a_recorded_history_tells_no_secret(connect: Connect, run: Run, loop_thread: EventLoopThread, word: str) -> None:
    history = recorded(loop_thread, run(connect(OLD), word))

    assert SECRET not in history
    # Input, memo, summary, signal, the activity's input, its result or failure, the workflow's own.
    assert history.count(b64encode(b"binary/encrypted").decode()) >= 7
    assert SECRET in recorded(loop_thread, run(connect({}), word))


def test_what_is_encrypted_is_read_by_whoever_has_the_key(connect: Connect, run: Run, loop_thread: EventLoopThread) -> None:
    client = connect(OLD)

    assert loop_thread.run(run(client, SECRET).result()) == SECRET * 2
    with pytest.raises(WorkflowFailureError) as failure:
        loop_thread.run(run(client, f"fail-{SECRET}").result())
    assert failure.value.cause.cause.message == f"cannot repeat fail-{SECRET}"  # type: ignore[attr-defined]


def test_executions_that_were_there_before_encryption_go_on(connect: Connect, run: Run, loop_thread: EventLoopThread) -> None:
    before = run(connect({}), SECRET)

    after = connect(OLD).get_workflow_handle(before.id)

    assert loop_thread.run(after.result()) == SECRET * 2


def test_an_encrypted_history_replays(
    connect: Connect, run: Run, loop_thread: EventLoopThread, replay: Callable[[type, str], None], settings: Settings
) -> None:
    history = loop_thread.run(run(connect(OLD), SECRET).fetch_history()).to_json()

    replay(SecretsWorkflow, history)

    settings.TEMPORAL_ENCRYPTION_KEYS = NEW
    with pytest.raises(RuntimeError, match="DecryptionFailed"):
        replay(SecretsWorkflow, history)


def test_without_keys_nothing_is_encrypted(settings: Settings) -> None:
    assert settings.TEMPORAL_ENCRYPTION_KEYS == {}
    assert DjangoPlugin().configure_client({}).get("data_converter").payload_codec is None  # type: ignore[typeddict-item]


def test_the_first_key_encrypts_and_every_key_decrypts() -> None:
    sealed = seal(NEW | OLD)

    assert sealed.metadata["encryption-key-id"] == b"2026-11"
    assert asyncio.run(EncryptionCodec(NEW | OLD).decode([sealed, seal(OLD), CLEAR])) == [CLEAR] * 3


def test_the_same_payload_is_never_encrypted_to_the_same_bytes() -> None:
    assert seal(OLD).data != seal(OLD).data


def test_a_process_may_know_a_key_that_it_does_not_use_yet() -> None:
    codec = EncryptionCodec({"off": b""} | OLD)

    assert asyncio.run(codec.encode([CLEAR])) == [CLEAR]
    assert asyncio.run(codec.decode([seal(OLD)])) == [CLEAR]


def test_a_key_that_is_missing_is_named() -> None:
    with pytest.raises(DecryptionFailed, match="under the key '2026-01': add that key to TEMPORAL_ENCRYPTION_KEYS"):
        asyncio.run(EncryptionCodec(NEW).decode([seal(OLD)]))


@pytest.mark.parametrize("cut", [slice(None), slice(20), slice(5), slice(0)], ids=["whole", "short", "no nonce", "empty"])
def test_another_key_under_the_same_id_opens_nothing_and_is_named(cut: slice) -> None:
    sealed = seal(OLD)
    damaged = Payload(metadata=dict(sealed.metadata), data=sealed.data[cut])

    with pytest.raises(DecryptionFailed, match="The key '2026-01' of TEMPORAL_ENCRYPTION_KEYS does not open"):
        asyncio.run(EncryptionCodec({"2026-01": b"x" * 32}).decode([damaged]))


@pytest.mark.skipif("TEMPORAL_CLI" not in os.environ, reason="no Temporal CLI: name one in TEMPORAL_CLI")
@pytest.mark.django_db(transaction=True)
def test_the_temporal_cli_shows_what_was_encrypted(
    live_server: LiveServer, connect: Connect, run: Run, temporal_server: str
) -> None:
    workflow_id = run(connect(OLD), f"fail-{SECRET}").id
    token = create_token(user=User.objects.create_superuser("reader@example.com", "a-long-password"), name="cli")

    def show(*options: str) -> str:
        command = [os.environ["TEMPORAL_CLI"], "workflow", "show", "--output", "json", "--address", temporal_server]
        command += ["--workflow-id", workflow_id, *options]
        shown = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
        return readable(shown.stdout)

    codec = ("--codec-endpoint", f"{live_server.url}/temporal/codec", "--codec-auth", f"Bearer {token}")
    assert SECRET not in show()
    assert f"cannot repeat fail-{SECRET}" in show(*codec)
