"""`copier update` on projects born of either engine: what users changed stays, what the template changed arrives."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.engines import ENGINES, TREE, Desk, copy_template

# Enough of the tree to see what an update does: copier calls git for every file, so that all of it takes a while.
SMALL = (".copier-answers.yml", ".prune", ".gitignore", "manage.py", "pyproject.toml", "config/settings/")
GUIDE = "docs/guide.md"
GUIDE_TEXT = "".join(f"Line {number} of <<cookiecutter.project_name>>.\n" for number in range(1, 31))

Born = Callable[..., Path]


class Source:
    """A template of its own, whose next version a test writes."""

    def __init__(self, folder: Path, desk: Desk, *, tree: tuple[str, ...]) -> None:
        self.folder = copy_template(folder, tree=tree)
        self.desk = desk
        self.write(GUIDE, GUIDE_TEXT)
        self.write("docs/extra.md", "Extra.\n")
        desk.commit(folder, tag="v0.1.0")

    def write(self, name: str, text: str) -> None:
        """Write a file of the tree."""
        path = self.folder / TREE.name / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text in a file of the tree."""
        self.write(name, replaced((self.folder / TREE.name / name).read_text(encoding="utf-8"), old, new))

    def release(self, tag: str) -> None:
        """Publish what was written as the next version."""
        self.desk.commit(self.folder, tag=tag)


@pytest.fixture
def source(request: pytest.FixtureRequest, tmp_path: Path, desk: Desk) -> Source:
    """A template at v0.1.0 with two files that the tests know."""
    return Source(tmp_path / "source-git", desk, tree=getattr(request, "param", SMALL))


@pytest.fixture(params=ENGINES)
def born(request: pytest.FixtureRequest, source: Source, desk: Desk, tmp_path: Path) -> Born:
    """Make a project with one of the engines and commit it, as the next steps say."""

    def make(address: str | Path = "", **answers: str) -> Path:
        project = desk.render(request.param, address or source.folder, tmp_path / "new", {"project_name": "Café Zoë", **answers})
        desk.commit(project)
        return project

    return make


def replaced(text: str, old: str, new: str) -> str:
    """Replace a text that must be there."""
    assert old in text
    return text.replace(old, new)


def update(desk: Desk, project: Path, *options: str) -> str:
    """Update as the documentation says, and give what git sees then."""
    desk.run("copier", "update", "--defaults", *options, cwd=project)
    return desk.git("status", "--porcelain", cwd=project)


@pytest.mark.parametrize("source", [("",)], ids=["all"], indirect=True)
def test_changes_of_both_sides_come_together(born: Born, source: Source, desk: Desk) -> None:
    project = born()
    guide = project / GUIDE
    guide.write_text(replaced(guide.read_text(), "Line 25 of Café Zoë.", "A line of ours."))
    desk.commit(project)
    source.edit(GUIDE, "Line 5 of", "Line five of")
    source.write("docs/new.md", "New in << cookiecutter.project_slug >>.\n")
    source.release("v0.2.0")

    changes = update(desk, project)

    assert "Line five of Café Zoë." in guide.read_text()
    assert "A line of ours." in guide.read_text()
    assert (project / "docs/new.md").read_text() == "New in caf_zo.\n"
    assert sorted(line.split()[-1] for line in changes.splitlines()) == [".copier-answers.yml", GUIDE, "docs/new.md"]
    assert yaml.safe_load((project / ".copier-answers.yml").read_text())["_commit"] == "v0.2.0"


def test_an_update_to_the_same_version_changes_nothing(born: Born, desk: Desk) -> None:
    assert update(desk, born()) == ""


def test_a_conflict_is_shown_inline(born: Born, source: Source, desk: Desk) -> None:
    project = born()
    guide = project / GUIDE
    guide.write_text(replaced(guide.read_text(), "Line 5 of Café Zoë.", "Ours."))
    desk.commit(project)
    source.edit(GUIDE, "Line 5 of <<cookiecutter.project_name>>.", "Theirs.")
    source.release("v0.2.0")

    changes = update(desk, project)

    assert "<<<<<<< before updating\nOurs.\n=======\nTheirs.\n>>>>>>> after updating\n" in guide.read_text()
    assert f"UU {GUIDE}" in changes


def test_a_file_that_the_user_deleted_stays_deleted(born: Born, source: Source, desk: Desk) -> None:
    project = born()
    (project / "docs/extra.md").unlink()
    desk.commit(project)
    source.edit("docs/extra.md", "Extra.", "More extra.")
    source.release("v0.2.0")

    update(desk, project)

    assert not (project / "docs/extra.md").exists()


def test_a_feature_is_switched_on_and_off_later(born: Born, source: Source, desk: Desk) -> None:
    workflow, pipeline = ".github/workflows/ci.yml", ".gitlab-ci.yml"
    source.write(workflow, "name: ci\n")
    source.write(pipeline, "check: {script: make check}\n")
    source.release("v0.1.1")
    project = born(ci="none")

    update(desk, project, "--data=ci=github")
    there = (project / workflow).is_file(), (project / pipeline).is_file()
    desk.commit(project)
    update(desk, project, "--data=ci=gitlab")

    assert there == (True, False)
    assert not (project / workflow).exists()
    assert (project / pipeline).is_file()
    assert yaml.safe_load((project / ".copier-answers.yml").read_text())["ci"] == "gitlab"


def test_a_question_that_a_later_version_asks_is_answered(born: Born, source: Source, desk: Desk) -> None:
    project = born()
    questions, answers = source.folder / "copier.yml", ".copier-answers.yml"
    text = replaced(questions.read_text(), "# The answers under", "color:\n  type: str\n  default: red\n\n# The answers under")
    questions.write_text(replaced(text, '"ci": ci}', '"ci": ci, "color": color}'))
    theirs = json.loads((source.folder / "cookiecutter.json").read_text())
    (source.folder / "cookiecutter.json").write_text(json.dumps({"color": "red", **theirs}))
    source.write(answers, (source.folder / TREE.name / answers).read_text() + 'color: "<<cookiecutter.color>>"\n')
    source.write(
        ".prune",
        (source.folder / TREE.name / ".prune").read_text() + '# % if cookiecutter.color == "blue"\n/docs/extra.md\n# % endif\n',
    )
    source.write("docs/color.md", "<<cookiecutter.color>>\n")
    source.release("v0.2.0")

    update(desk, project, "--data=color=blue")

    assert (project / "docs/color.md").read_text() == "blue\n"
    assert not (project / "docs/extra.md").exists()
    assert yaml.safe_load((project / answers).read_text())["color"] == "blue"


def test_a_name_can_be_changed_without_going_to_another_version(born: Born, source: Source, desk: Desk) -> None:
    project = born()
    source.release("v0.2.0")

    update(desk, project, "--vcs-ref=:current:", "--data=project_name=Zoë & Co.")

    assert origin(project)[0] == "v0.1.0"
    assert "Line 1 of Zoë & Co." in (project / GUIDE).read_text()
    assert yaml.safe_load((project / ".copier-answers.yml").read_text())["project_slug"] == "caf_zo"


def test_an_answer_that_a_later_version_refuses_falls_back_to_the_default(born: Born, source: Source, desk: Desk) -> None:
    project = born(domain_name="zoe.example")
    rules = source.folder / "rules.json"
    rules.write_text(
        replaced(rules.read_text(), '"domain_name": {\n    "pattern": "', '"domain_name": {\n    "pattern": "(?!zoe)')
    )
    source.release("v0.2.0")

    update(desk, project)

    assert yaml.safe_load((project / ".copier-answers.yml").read_text())["domain_name"] == "example.com"


def test_a_project_made_from_an_address_is_updated(born: Born, source: Source, desk: Desk, tmp_path: Path) -> None:
    bare = tmp_path / "kairon-template.git"
    desk.git("clone", "--quiet", "--bare", source.folder, bare, cwd=tmp_path)
    project = born(f"file://{bare}")
    source.edit(GUIDE, "Line 5 of", "Line five of")
    source.release("v0.2.0")
    desk.git("push", "--quiet", "--tags", bare, "main", cwd=source.folder)

    update(desk, project)

    assert "Line five of Café Zoë." in (project / GUIDE).read_text()


def test_a_project_made_from_the_version_before_is_updated(source: Source, desk: Desk, tmp_path: Path) -> None:
    source.edit(GUIDE, "Line 5 of", "Line five of")
    source.release("v0.2.0")
    address = f"file://{source.folder}"
    desk.run("cookiecutter", "--no-input", "--checkout", "v0.1.0", address, "project_name=Shop", cwd=tmp_path)
    project = tmp_path / "shop"
    desk.commit(project)
    before = origin(project)

    update(desk, project)

    assert before == ("v0.1.0", f"git+{address}")
    assert "Line five of Shop." in (project / GUIDE).read_text()


def test_a_relative_path_is_noted_as_an_absolute_one(source: Source, desk: Desk, tmp_path: Path) -> None:
    desk.run("cookiecutter", "--no-input", f"../{source.folder.name}", cwd=make(tmp_path / "work"))

    assert origin(tmp_path / "work/my_project") == ("v0.1.0", str(source.folder))


@pytest.mark.parametrize(("typed", "noted"), [("gh:kairon", "gh:kairon"), ("acme:kairon", "git+file://{folder}")])
def test_an_abbreviation_is_noted_in_words_that_copier_knows(
    typed: str, noted: str, source: Source, desk: Desk, tmp_path: Path
) -> None:
    config = {
        "abbreviations": dict.fromkeys(["gh", "acme"], f"file://{source.folder}"),
        "cookiecutters_dir": str(tmp_path / "clones"),
    }
    (tmp_path / "config.yml").write_text(json.dumps(config))

    desk.run("cookiecutter", "--no-input", "--config-file", "config.yml", typed, cwd=tmp_path)

    assert origin(tmp_path / "my_project") == ("v0.1.0", noted.format(folder=source.folder))


@pytest.mark.parametrize(
    ("cloned", "noted"),
    [
        ("https://ada:secret@git.example.com/acme/kairon", "git+https://git.example.com/acme/kairon"),
        ("https://secret@git.example.com/acme/kairon.git", "https://git.example.com/acme/kairon.git"),
        ("ssh://git@git.example.com/acme/kairon", "git+ssh://git@git.example.com/acme/kairon"),
        ("git@git.example.com:acme/kairon", "git@git.example.com:acme/kairon"),
    ],
)
def test_an_address_is_noted_without_a_password(cloned: str, noted: str, source: Source, desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text(json.dumps({"abbreviations": {"acme": str(source.folder)}}))
    desk.git("remote", "add", "origin", cloned, cwd=source.folder)

    desk.run("cookiecutter", "--no-input", "--config-file", "config.yml", "acme:kairon", cwd=tmp_path)

    assert origin(tmp_path / "my_project") == ("v0.1.0", noted)


def test_a_template_without_git_is_noted_without_a_version(desk: Desk, tmp_path: Path) -> None:
    folder = copy_template(tmp_path / "unpacked", tree=SMALL)

    projects = [desk.render(engine, folder, tmp_path / engine, {}) for engine in ENGINES]

    assert [origin(project) for project in projects] == [("", str(folder))] * 2


def origin(project: Path) -> tuple[str, str]:
    """Give the version and the template that a project is noted to come from."""
    noted = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    return noted.get("_commit", ""), noted["_src_path"]


def make(folder: Path) -> Path:
    """Make a folder and give it."""
    folder.mkdir()
    return folder
