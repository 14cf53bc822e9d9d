"""Wrong settings are named before anything starts."""

from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from apps.temporal import registry
from apps.temporal.tests.tls import Authority
from config.settings import base


@pytest.fixture(autouse=True)
def _sound_settings(settings: Settings) -> None:
    settings.TEMPORAL_ADDRESS, settings.TEMPORAL_NAMESPACE, settings.TEMPORAL_TASK_QUEUE = "localhost:7233", "default", "tasks"


def found(*tags: str) -> list[Any]:
    return list(run_checks(tags=tags or ("temporal",), databases=["default"]))


def test_sound_settings_pass() -> None:
    assert found("temporal", "database") == []


def test_a_profile_that_cannot_be_read_is_e001(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "temporal.toml").write_text("no = toml = at all")
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(tmp_path / "temporal.toml"))

    (problem,) = found()

    assert problem.id == "temporal.E001"
    assert "TEMPORAL_CONFIG_FILE" in problem.hint


@pytest.mark.parametrize(
    "address",
    ["", "localhost", "localhost:", ":7233", "localhost:http", "localhost:0", "localhost:70000", "http://localhost:7233"],
)
def test_an_address_that_is_not_host_and_port_is_e002(settings: Settings, address: str) -> None:
    settings.TEMPORAL_ADDRESS = address

    (problem,) = found()

    assert problem.id == "temporal.E002"
    assert repr(address) in problem.msg


@pytest.mark.parametrize("address", ["localhost:7233", "10.0.0.1:7233", "[::1]:7233", "shop.a1b2c.tmprl.cloud:7233"])
def test_good_addresses_pass(settings: Settings, address: str) -> None:
    settings.TEMPORAL_ADDRESS = address

    assert found() == []


@pytest.mark.parametrize("name", ["TEMPORAL_NAMESPACE", "TEMPORAL_TASK_QUEUE"])
@pytest.mark.parametrize("value", ["", " ", "two words", "tasks\n"])
def test_a_name_that_is_empty_or_has_spaces_is_e003(settings: Settings, name: str, value: str) -> None:
    setattr(settings, name, value)

    (problem,) = found()

    assert problem.id == "temporal.E003"
    assert problem.msg.startswith(f"{name}={value!r}")


WRONG: dict[str, list[Any]] = {
    "TEMPORAL_UI_URL": ["localhost:8233", ""],
    "TEMPORAL_ENCRYPTION_KEYS": [{"a": b"short-key"}, {"a": "text"}, {"two words": b"k" * 32}, None],
    "TEMPORAL_ACTIVITY_SLOTS": [0, 1.5, "20"],
    "TEMPORAL_WORKER_MEMORY": [0, 80, "0.8"],
    "TEMPORAL_TASK_QUEUES": [{"a": {"slot": 2}}, {"a": {"slots": 0}}, {"two words": {}}, ["a"], {"a": {"queue_rate": "10/s"}}],
    "TEMPORAL_DEDICATED_TENANTS": ["acme", ["two words"], [""]],
    "TEMPORAL_SHUTDOWN_GRACE": [-1, "30", None],
    "TEMPORAL_RELAY_ON_COMMIT": ["no", None],
    "TEMPORAL_OUTBOX_ATTEMPTS": [0, None],
    "TEMPORAL_OUTBOX_RETENTION": [0, 0.5],
    "TEMPORAL_METRICS_ADDRESS": ["9090", None],
    "TEMPORAL_PROBE_ADDRESS": ["9090", "0.0.0.0:http"],
    "TEMPORAL_INTERCEPTORS": [["config.nothing.interceptor"], "config.tracing.interceptor"],
}
WRONG_VARIABLES = [
    ("TEMPORAL_TLS", "no"),
    ("TEMPORAL_TLS_SERVER_NAME", "two words"),
    ("TEMPORAL_TLS_SERVER_CA_CERT_PATH", "/nowhere"),
    ("TEMPORAL_TLS_SERVER_CA_CERT_PATH", __file__),
    ("TEMPORAL_TLS_CLIENT_CERT_PATH", "/nowhere"),
    ("TEMPORAL_TLS_CLIENT_CERT_PATH", __file__),
    ("TEMPORAL_TLS_CLIENT_KEY_PATH", "/nowhere"),
    ("TEMPORAL_TLS_CLIENT_KEY_PATH", __file__),
    ("TEMPORAL_API_KEY", "two\nlines"),
    ("TEMPORAL_CONFIG_FILE", "/nowhere"),
]


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_setting_with_a_wrong_value_is_e005(settings: Settings, name: str, value: Any) -> None:
    setattr(settings, name, value)

    (problem,) = found()

    assert problem.id == "temporal.E005"
    assert problem.msg.startswith(name)
    assert problem.hint.startswith("Write for example ")


@pytest.mark.parametrize(("name", "value"), WRONG_VARIABLES)
def test_a_variable_of_the_sdk_with_a_wrong_value_is_e005(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)

    problems = [problem for problem in found() if problem.id == "temporal.E005"]

    assert [problem.msg.partition(" ")[0].partition("=")[0] for problem in problems] == [name]


def test_a_secret_with_a_wrong_value_is_not_shown(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.TEMPORAL_ENCRYPTION_KEYS = {"a": b"hush-hush"}
    monkeypatch.setenv("TEMPORAL_API_KEY", "hush\nhush")

    problems = found()

    assert len(problems) == 2
    assert "hush" not in str(problems)


def test_certificates_and_limits_that_are_sound_pass(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    certificate, key = authority.issue("client")
    settings.TEMPORAL_TASK_QUEUES = {"reports": {"slots": 2, "memory": 0.5, "worker_rate": 10, "queue_rate": 0.5}}
    settings.TEMPORAL_ENCRYPTION_KEYS = {"off": b"", "a": b"k" * 32}
    settings.TEMPORAL_INTERCEPTORS = ["apps.temporal.interceptors.LogInterceptor"]
    monkeypatch.setenv("TEMPORAL_TLS_SERVER_CA_CERT_PATH", str(authority.file))
    monkeypatch.setenv("TEMPORAL_TLS_CLIENT_CERT_PATH", str(certificate))
    monkeypatch.setenv("TEMPORAL_TLS_CLIENT_KEY_PATH", str(key))

    assert found() == []


def test_every_setting_of_ours_is_checked() -> None:
    ours = {name for name in vars(base) if name.startswith("TEMPORAL_")}

    # The others: test_an_address…, test_a_name….
    assert ours == {*WRONG, "TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_TASK_QUEUE"}


def test_a_name_registered_twice_is_e004(monkeypatch: pytest.MonkeyPatch) -> None:
    def collide() -> None:
        raise ImproperlyConfigured("a and b both register 'c'.")

    monkeypatch.setattr(registry, "activities", collide)

    (problem,) = found()

    assert (problem.id, problem.msg) == ("temporal.E004", "a and b both register 'c'.")


def test_connections_that_are_not_checked_are_w001(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "CONN_HEALTH_CHECKS", False)

    (problem,) = found("database")

    assert problem.id == "temporal.W001"
    assert "'default'" in problem.msg
