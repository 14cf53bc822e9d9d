"""Wrong settings are named before anything starts."""

from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from apps.temporal import registry


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
