"""Both engines give the same bytes, complete and nothing else, however and wherever they are called."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.answers import GOOD
from tests.conftest import Rendered
from tests.engines import ENGINES, QUESTIONS, TREE, Desk, files

LEFT_OVER = (
    *(".venv/lib/a.py", ".ruff_cache/0/x", ".mypy_cache/a.json", ".pytest_cache/README.md", "apps/__pycache__/a.cpython-313.pyc"),
    *(
        "db.sqlite3",
        "db.sqlite3-wal",
        "temporal.db",
        "temporal.db-shm",
        "var/mail/1.log",
        "staticfiles/a.css",
        "uv.lock",
        ".env",
        ".coverage",
    ),
)
CI_FILES = {"github": ".github/workflows/ci.yml", "gitlab": ".gitlab-ci.yml"}


@pytest.mark.parametrize("name", GOOD)
def test_both_engines_give_the_same_bytes(name: str, rendered: Rendered) -> None:
    assert files(rendered("cookiecutter", name)) == files(rendered("copier", name))


@pytest.mark.parametrize("name", GOOD)
def test_the_answers_arrive_as_they_were_given(name: str, rendered: Rendered) -> None:
    project = rendered("cookiecutter", name)

    remembered = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    package = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert {question: written(remembered[question]) for question in GOOD[name]} == GOOD[name]
    assert project.name == package["name"] == remembered["project_slug"]
    assert package["description"] == remembered["description"]
    assert package["authors"] == [{"name": remembered["author_name"], "email": remembered["author_email"]}]


@pytest.mark.parametrize("name", GOOD)
def test_a_project_is_formatted_whatever_the_answers(name: str, rendered: Rendered, desk: Desk) -> None:
    project = rendered("cookiecutter", name)

    desk.run("ruff", "check", "--no-cache", cwd=project)
    desk.run("ruff", "format", "--check", "--no-cache", cwd=project)


@pytest.mark.parametrize("name", GOOD)
def test_no_piece_of_the_template_language_is_left(name: str, rendered: Rendered) -> None:
    left = re.compile(rb"<<|<%|%>|<#|^\s*# %|cookiecutter\.", re.MULTILINE)
    project = files(rendered("cookiecutter", name))

    assert [path for path, content in project.items() if left.search(content)] == []
    assert [path for path in project if left.search(path.encode())] == []


@pytest.mark.parametrize("engine", ENGINES)
def test_rendering_twice_gives_the_same_bytes(
    engine: str, rendered: Rendered, template: Path, desk: Desk, tmp_path: Path
) -> None:
    assert files(desk.render(engine, template, tmp_path / "again", {})) == files(rendered(engine, "default"))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("ci", ["github", "gitlab", "none"])
def test_only_the_chosen_ci_is_there(engine: str, ci: str, rendered: Rendered) -> None:
    project = rendered(engine, {"github": "default", "gitlab": "gitlab", "none": "no-ci"}[ci])

    there = {name for name, path in CI_FILES.items() if (project / path).exists()}
    assert there == {name for name, path in CI_FILES.items() if name == ci and (TREE / path).exists()}
    assert not (project / ".github").exists() or ci == "github"
    assert not (project / ".prune").exists()


@pytest.mark.parametrize("engine", ENGINES)
def test_what_tools_left_in_the_tree_does_not_reach_a_project(
    engine: str, rendered: Rendered, template: Path, desk: Desk, tmp_path: Path
) -> None:
    dirty = tmp_path / "template"
    shutil.copytree(template, dirty, ignore=shutil.ignore_patterns(".git"))
    for name in LEFT_OVER:
        path = dirty / TREE.name / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"<% neither text nor a template \xff")

    project = desk.render(engine, dirty, tmp_path / "new", {})

    assert paths(project) == paths(rendered(engine, "default"))


@pytest.mark.parametrize("engine", ENGINES)
def test_paths_with_spaces_and_any_script_work(
    engine: str, rendered: Rendered, template: Path, desk: Desk, tmp_path: Path
) -> None:
    moved = tmp_path / "Vorlage für «東京»" / "template git"
    shutil.copytree(template, moved)

    project = desk.render(engine, moved, tmp_path / "Проекты 🚀 & co" / "new ones", {})

    ours, usual = files(project), files(rendered(engine, "default"))
    assert ours.pop(".copier-answers.yml") != usual.pop(".copier-answers.yml")
    assert ours == usual
    assert yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))["_src_path"] == str(moved)


@pytest.mark.parametrize("engine", ENGINES)
def test_nothing_is_fetched(engine: str, template: Path, tmp_path: Path) -> None:
    if subprocess.run(["unshare", "--net", "--map-root-user", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine cannot run a command without a network (unshare --net)")
    alone = Desk(tmp_path / "home", prefix=("unshare", "--net", "--map-root-user"))

    project = alone.render(engine, template, tmp_path / "new", {})

    assert (project / "manage.py").is_file()


def test_rendering_over_a_project_keeps_what_is_the_users(template: Path, desk: Desk, tmp_path: Path) -> None:
    desk.run("cookiecutter", "--no-input", template, cwd=tmp_path)
    for name in LEFT_OVER:
        path = tmp_path / "my_project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("the user's")

    desk.run("cookiecutter", "--no-input", "--overwrite-if-exists", template, "ci=none", cwd=tmp_path)

    assert [name for name in LEFT_OVER if not (tmp_path / "my_project" / name).exists()] == []


def test_an_organisations_presets_are_taken(template: Path, desk: Desk, tmp_path: Path) -> None:
    presets = {
        "author_name": "Acme Platform Team",
        "author_email": "platform@acme.example",
        "domain_name": "acme.example",
        "ci": "gitlab",
    }
    (tmp_path / "org.yml").write_text(yaml.safe_dump(presets))
    (tmp_path / "config.yml").write_text(yaml.safe_dump({"default_context": presets}))

    desk.run(
        "copier",
        "copy",
        "--defaults",
        "--data-file",
        "org.yml",
        "--data=project_name=Shop",
        template,
        "copier/shop",
        cwd=tmp_path,
    )
    desk.run(
        "cookiecutter",
        "--no-input",
        "--config-file",
        "config.yml",
        "--output-dir",
        "cookiecutter",
        template,
        "project_name=Shop",
        cwd=tmp_path,
    )

    assert files(tmp_path / "copier") == files(tmp_path / "cookiecutter")
    remembered = yaml.safe_load((tmp_path / "copier/shop/.copier-answers.yml").read_text(encoding="utf-8"))
    assert remembered.items() >= presets.items()


def test_questions_can_be_answered_by_hand(rendered: Rendered, template: Path, desk: Desk, tmp_path: Path) -> None:
    typed = "\n".join([*("" for question in QUESTIONS if question != "ci"), "2", ""])

    desk.run("cookiecutter", "--output-dir", tmp_path, template, cwd=tmp_path, typed=typed)

    assert files(tmp_path / "my_project") == files(rendered("cookiecutter", "gitlab"))


def test_a_replay_renders_the_same(rendered: Rendered, template: Path, desk: Desk, tmp_path: Path) -> None:
    first = desk.render("cookiecutter", template, tmp_path / "first", GOOD["accents"])

    desk.run("cookiecutter", "--replay", "--output-dir", tmp_path / "second", template, cwd=tmp_path)

    assert files(tmp_path / "second" / first.name) == files(rendered("cookiecutter", "accents"))


def test_both_engines_end_with_the_same_next_steps(template: Path, desk: Desk, tmp_path: Path) -> None:
    theirs = desk.run(
        "cookiecutter", "--no-input", "--output-dir", "new ones", template, "project_name=Shop", cwd=tmp_path
    ).stdout
    shutil.rmtree(tmp_path / "new ones")
    ours = desk.run("copier", "copy", "--defaults", "--data=project_name=Shop", template, "new ones/shop", cwd=tmp_path).stdout

    steps = theirs[theirs.index("Done.") :].strip()

    assert steps == ours[ours.index("Done.") :].strip()
    assert re.findall(r"^  (\S.*?)(?:  |$)", steps, re.MULTILINE)[:2] == ["cd 'new ones/shop'", "make dev"]


def written(answer: str | bool) -> str:
    """Give an answer as it is typed."""
    return answer if isinstance(answer, str) else "yes" if answer else "no"


def paths(folder: Path) -> set[Path]:
    """Give all paths in a folder, those of empty folders too."""
    return {path.relative_to(folder) for path in folder.rglob("*")}
