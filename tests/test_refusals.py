"""Bad answers end in one sentence that says what to type, with an exit code other than 0, and leave nothing on disk."""

import json
from pathlib import Path
from typing import Any

import copier
import pytest
from cookiecutter.exceptions import FailedHookException
from cookiecutter.main import cookiecutter

from tests.answers import BAD, JINJA
from tests.engines import ENGINES, ROOT, Desk

RULES: dict[str, Any] = json.loads((ROOT / "rules.json").read_text(encoding="utf-8"))
# What the engines say themselves of an answer that no rule is about.
CHOICES = {"ci": "['github', 'gitlab', 'none']", "workflow_builder": "workflow_builder"}
BY_COMMAND = (
    "name-double-quotes",
    "name-newline",
    "slug-empty",
    "slug-parent-folder",
    "slug-django",
    "domain-scheme",
    "ci-unknown",
    "builder-unknown",
)


def sentence(question: str, answer: str) -> str:
    """Give what a user must read when `answer` is refused."""
    if question in CHOICES:
        return CHOICES[question]
    return str(RULES["reserved" if answer in RULES["reserved"]["names"] else question]["message"])


def command(engine: str, template: Path, answer: str) -> tuple[str, ...]:
    """Give the command that renders into folders that do not exist yet, with one answer of its own."""
    if engine == "cookiecutter":
        return "cookiecutter", "--no-input", "--output-dir", "new/folders", str(template), answer
    return "copier", "copy", "--defaults", f"--data={answer}", str(template), "new/folders/project"


@pytest.fixture(autouse=True)
def _no_user_config(monkeypatch: pytest.MonkeyPatch, desk: Desk) -> None:
    """Keep the settings of the person who runs the tests out of copier."""
    settings = desk.home / "settings.yml"
    settings.write_text("{}")
    monkeypatch.setenv("COPIER_SETTINGS_PATH", str(settings))


@pytest.mark.parametrize("name", BAD)
def test_cookiecutter_refuses(name: str, template: Path, desk: Desk, tmp_path: Path) -> None:
    question, answer = BAD[name]

    with pytest.raises((FailedHookException, ValueError)) as refused:
        cookiecutter(
            str(template),
            no_input=True,
            extra_context={question: answer},
            output_dir=str(tmp_path / "new" / "folders"),
            default_config={"replay_dir": str(desk.home), "cookiecutters_dir": str(desk.home)},
        )

    assert sentence(question, answer) in str(refused.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", BAD)
def test_copier_refuses(name: str, template: Path, tmp_path: Path) -> None:
    question, answer = BAD[name]

    with pytest.raises(ValueError) as refused:  # noqa: PT011 - copier raises this class itself; the sentence is checked below
        copier.run_copy(str(template), tmp_path / "new" / "folders", data={question: answer}, defaults=True, quiet=True)

    assert sentence(question, answer) in str(refused.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", BY_COMMAND)
def test_the_command_refuses(engine: str, name: str, template: Path, desk: Desk, tmp_path: Path) -> None:
    """copier shows a traceback above the sentence: it prints validation errors plainly only when it asks."""
    question, answer = BAD[name]

    result = desk.run(*command(engine, template, f"{question}={answer}"), cwd=tmp_path, check=False)

    assert result.returncode != 0
    assert sentence(question, answer) in result.stdout.strip().splitlines()[-1]
    assert list(tmp_path.iterdir()) == []
    assert engine == "copier" or question in CHOICES or len(result.stdout.splitlines()) == 1


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", JINJA)
def test_an_answer_is_not_run_as_code(engine: str, name: str, template: Path, desk: Desk, tmp_path: Path) -> None:
    """cookiecutter renders what its command line gives; that an answer quotes another, <<cookiecutter.ci>>, is documented use."""
    result = desk.run(*command(engine, template, f"author_name={JINJA[name]}"), cwd=tmp_path, check=False)

    assert result.returncode != 0
    assert ": type " in result.stdout.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("question", ["project_name", "project_slug", "domain_name"])
def test_a_replay_with_a_bad_answer_is_refused(question: str, template: Path, desk: Desk, tmp_path: Path) -> None:
    desk.render("cookiecutter", template, tmp_path / "good", {})
    replay = json.loads((desk.home / ".cookiecutter_replay" / f"{template.name}.json").read_text(encoding="utf-8"))
    replay["cookiecutter"][question] = "../<bad>"
    (tmp_path / "replay.json").write_text(json.dumps(replay), encoding="utf-8")

    result = desk.run(
        "cookiecutter", "--replay-file", "replay.json", "--output-dir", "new/folders", template, cwd=tmp_path, check=False
    )

    assert result.returncode == 1
    assert result.stdout.strip() == f"{question} '../<bad>': {RULES[question]['message']}"
    assert not (tmp_path / "new").exists()


def test_a_bad_answer_by_hand_is_refused_at_its_question(template: Path, desk: Desk, tmp_path: Path) -> None:
    result = desk.run("cookiecutter", "--output-dir", "new", template, cwd=tmp_path, check=False, typed="Shop\nmy-shop\n")

    assert result.returncode == 1
    assert result.stdout.strip().endswith(f"project_slug 'my-shop': {RULES['project_slug']['message']}")
    assert "[3/" not in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_an_old_cookiecutter_is_told_what_to_do(template: Path, desk: Desk, tmp_path: Path) -> None:
    old = "import importlib.metadata as m; m.version = lambda name: '2.6.0'; from cookiecutter.cli import main; main()"

    result = desk.run("python", "-c", old, "--no-input", "--output-dir", "new", template, cwd=tmp_path, check=False)

    assert result.returncode == 1
    assert result.stdout.strip() == "This template needs cookiecutter 2.7 or later: pip install --upgrade cookiecutter"
    assert list(tmp_path.iterdir()) == []
