"""Where the connection's settings come from, and which of them wins."""

from pathlib import Path

import pytest
from pytest_django import Settings
from temporalio.runtime import LoggingFormat

from apps.temporal.conf import connect_config, sdk_logging, shutdown_grace

PROFILES = """
[profile.default]
address = "file.example.com:7233"
namespace = "from-file"

[profile.staging]
address = "staging.example.com:7233"
"""


@pytest.fixture
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporal.toml that the environment names."""
    file = tmp_path / "temporal.toml"
    file.write_text(PROFILES)
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(file))
    return file


@pytest.fixture(autouse=True)
def _defaults(settings: Settings) -> None:
    settings.TEMPORAL_ADDRESS, settings.TEMPORAL_NAMESPACE = "localhost:7233", "default"


def test_without_anything_it_is_the_local_server() -> None:
    assert connect_config() == {"target_host": "localhost:7233", "namespace": "default"}


def test_the_django_settings_are_honoured(settings: Settings) -> None:
    settings.TEMPORAL_ADDRESS, settings.TEMPORAL_NAMESPACE = "temporal.example.com:7233", "shop"

    assert connect_config() == {"target_host": "temporal.example.com:7233", "namespace": "shop"}


@pytest.mark.usefixtures("profiles")
def test_a_profile_wins_over_the_defaults() -> None:
    assert connect_config() == {"target_host": "file.example.com:7233", "namespace": "from-file"}


@pytest.mark.usefixtures("profiles")
def test_the_profile_that_the_environment_names_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_PROFILE", "staging")

    assert connect_config() == {"target_host": "staging.example.com:7233", "namespace": "default"}


@pytest.mark.usefixtures("profiles")
def test_a_variable_wins_over_a_profile(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    # As in a process: the SDK reads the variable, and the Django setting was made from it.
    for name, value in (("TEMPORAL_ADDRESS", "variable.example.com:7233"), ("TEMPORAL_NAMESPACE", "from-variable")):
        monkeypatch.setenv(name, value)
        setattr(settings, name, value)

    assert connect_config() == {"target_host": "variable.example.com:7233", "namespace": "from-variable"}


@pytest.mark.usefixtures("profiles")
def test_a_variable_that_says_the_default_wins_over_a_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "localhost:7233")
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "default")

    assert connect_config() == {"target_host": "localhost:7233", "namespace": "default"}


def test_an_api_key_turns_tls_on(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not connect_config().get("tls")

    monkeypatch.setenv("TEMPORAL_API_KEY", "a-key")

    assert connect_config()["api_key"] == "a-key"
    assert connect_config()["tls"]


@pytest.mark.usefixtures("profiles")
def test_a_profile_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_PROFILE", "misspelt")

    with pytest.raises(RuntimeError, match="misspelt"):
        connect_config()


def test_the_grace_is_in_seconds(settings: Settings) -> None:
    settings.TEMPORAL_SHUTDOWN_GRACE = 1.5

    assert shutdown_grace().total_seconds() == 1.5


@pytest.mark.parametrize(("debug", "expected"), [(True, None), (False, LoggingFormat.JSON)])
def test_the_sdks_own_lines_are_json_where_all_lines_are(settings: Settings, debug: bool, expected: LoggingFormat | None) -> None:
    settings.DEBUG = debug

    assert sdk_logging().format is expected
