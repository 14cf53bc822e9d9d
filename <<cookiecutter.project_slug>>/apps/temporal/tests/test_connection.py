"""What names and secures the Temporal server is honoured, seen from the server's side. Which of several wins: test_conf.py."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import transaction
from google.protobuf.duration_pb2 import Duration
from pytest_django import Settings
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client

from apps.development.testing import PATIENCE, EventLoopThread
from apps.temporal import client, relay
from apps.temporal.exceptions import ExecutionNotFound, TemporalUnavailable
from apps.temporal.outbox import enqueue_start
from apps.temporal.tests.tls import NAME, Authority, TlsEndpoint
from tests.installation import wait_until

KEY = "secret"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ours")


@pytest.fixture
def endpoint(
    authority: Authority, temporal_server: str, loop_thread: EventLoopThread, settings: Settings
) -> Iterator[TlsEndpoint]:
    """The session's server behind TLS, as the one that the settings name."""
    endpoint = TlsEndpoint(authority, temporal_server)
    loop_thread.run(endpoint.start())
    settings.TEMPORAL_ADDRESS = f"127.0.0.1:{endpoint.port}"
    yield endpoint
    loop_thread.run(endpoint.stop())


@pytest.fixture
def variables(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The variables that mutual TLS needs."""
    certificate, key = authority.issue("client")
    values = {
        "TEMPORAL_TLS_SERVER_NAME": NAME,
        "TEMPORAL_TLS_SERVER_CA_CERT_PATH": authority.file,
        "TEMPORAL_TLS_CLIENT_CERT_PATH": certificate,
        "TEMPORAL_TLS_CLIENT_KEY_PATH": key,
    }
    for name, value in values.items():
        monkeypatch.setenv(name, str(value))
    return monkeypatch


@pytest.mark.usefixtures("variables")
def test_certificates_from_files_open_a_server_that_demands_them(endpoint: TlsEndpoint) -> None:
    assert client.health(PATIENCE) == ""
    assert endpoint.received


def test_without_our_certificate_the_server_refuses(endpoint: TlsEndpoint, variables: pytest.MonkeyPatch) -> None:
    variables.delenv("TEMPORAL_TLS_CLIENT_CERT_PATH")
    variables.delenv("TEMPORAL_TLS_CLIENT_KEY_PATH")

    assert "cannot be used" in client.health(PATIENCE)


def test_a_server_whose_authority_is_not_ours_is_refused(
    endpoint: TlsEndpoint, variables: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    variables.setenv("TEMPORAL_TLS_SERVER_CA_CERT_PATH", str(Authority(tmp_path / "theirs").file))

    assert "cannot be used" in client.health(PATIENCE)


def test_a_server_of_another_name_is_refused(endpoint: TlsEndpoint, variables: pytest.MonkeyPatch) -> None:
    variables.setenv("TEMPORAL_TLS_SERVER_NAME", "other.test")

    assert "cannot be used" in client.health(PATIENCE)


def test_an_api_key_arrives_with_each_call(endpoint: TlsEndpoint, variables: pytest.MonkeyPatch) -> None:
    variables.setenv("TEMPORAL_API_KEY", KEY)

    assert client.health(PATIENCE) == ""

    assert endpoint.was_sent(f"Bearer {KEY}")
    assert not endpoint.was_sent(f"Bearer {KEY}{KEY}")


def test_a_profile_in_a_file_says_all_of_it(
    endpoint: TlsEndpoint, authority: Authority, monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path
) -> None:
    certificate, key = authority.issue("client")
    (file := tmp_path / "temporal.toml").write_text(f"""
        [profile.cloud]
        address = "127.0.0.1:{endpoint.port}"
        api_key = "{KEY}"
        [profile.cloud.tls]
        server_name = "{NAME}"
        server_ca_cert_path = "{authority.file}"
        client_cert_path = "{certificate}"
        client_key_path = "{key}"
    """)
    settings.TEMPORAL_ADDRESS = "localhost:7233"
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(file))
    monkeypatch.setenv("TEMPORAL_PROFILE", "cloud")

    assert client.health(PATIENCE) == ""
    assert endpoint.was_sent(f"Bearer {KEY}")


@pytest.mark.django_db
def test_executions_start_in_the_namespace_that_the_settings_name(
    server: str, temporal_client: Client, loop_thread: EventLoopThread, settings: Settings
) -> None:
    settings.TEMPORAL_NAMESPACE = namespace = f"ours-{uuid4()}"
    retention = Duration()
    retention.FromTimedelta(timedelta(days=1))
    wanted = RegisterNamespaceRequest(namespace=namespace, workflow_execution_retention_period=retention)
    loop_thread.run(temporal_client.workflow_service.register_namespace(wanted))
    with transaction.atomic():
        enqueue_start("batch_processing", {"batch_id": "any"}, workflow_id=(workflow_id := f"named-{uuid4()}"))

    # A server takes some seconds to know a new namespace everywhere.
    wait_until(_sends, seconds=PATIENCE)

    assert client.describe(workflow_id).status == "running"
    settings.TEMPORAL_NAMESPACE = "default"
    with pytest.raises(ExecutionNotFound):
        client.describe(workflow_id)


def _sends() -> bool:
    try:
        return relay.deliver_due() == 1
    except TemporalUnavailable:
        return False
