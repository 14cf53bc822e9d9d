"""Rules of the house that no tool checks."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted(path for folder in ("apps", "config", "tests") for path in (ROOT / folder).rglob("*.py"))
# Read by the Temporal SDK or by Django before any settings are.
READ_ELSEWHERE = {
    "DJANGO_SETTINGS_MODULE",
    "TEMPORAL_API_KEY",
    "TEMPORAL_CONFIG_FILE",
    "TEMPORAL_PROFILE",
    "TEMPORAL_TLS",
    "TEMPORAL_TLS_CLIENT_CERT_PATH",
    "TEMPORAL_TLS_CLIENT_KEY_PATH",
    "TEMPORAL_TLS_SERVER_CA_CERT_PATH",
    "TEMPORAL_TLS_SERVER_NAME",
}
LONGEST_FILE = 300
COMMANDS = sorted(name for name, app in get_commands().items() if app.startswith("apps."))


def variables() -> set[str]:
    """The variables that our own code reads."""
    reads = re.compile(r"""(?:env\.\w+|environ\.get|environ|getenv)[(\[]\s*"([A-Z][A-Z_]+)\"""")
    code = [path for path in SOURCES if "tests" not in path.parts]
    return {name for path in code for name in reads.findall(path.read_text())} | READ_ELSEWHERE


def test_the_example_environment_lists_every_variable_and_no_other() -> None:
    listed = re.findall(r"^#? ?([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)

    assert sorted(listed) == sorted(variables())


def test_the_example_environment_explains_itself_and_changes_nothing_as_it_is() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()

    assert all(line.startswith("#") for line in lines if line)


def test_every_variable_is_documented() -> None:
    documented = "".join(page.read_text() for page in (ROOT / "docs").glob("*.md"))

    assert [name for name in sorted(variables()) if name not in documented] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_what_it_does(name: str) -> None:
    command = load_command_class(get_commands()[name], name)

    assert len(command.help) > 20
    assert command.create_parser("manage.py", name).format_help()


def test_init_files_are_empty() -> None:
    assert [str(path) for path in SOURCES if path.name == "__init__.py" and path.stat().st_size] == []


def test_files_stay_short() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in SOURCES if "migrations" not in path.parts
    }

    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def test_every_folder_of_code_is_a_package() -> None:
    assert [str(path) for path in SOURCES if path.parent != ROOT and not (path.parent / "__init__.py").exists()] == []
