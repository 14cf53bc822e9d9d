"""Both engines, run as users run them: by their command lines, in a home of their own, so that no user config gets in."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ENGINES = ("cookiecutter", "copier")
ROOT = Path(__file__).resolve().parents[1]
TREE = ROOT / "<<cookiecutter.project_slug>>"
QUESTIONS = (
    "project_name",
    "project_slug",
    "description",
    "author_name",
    "author_email",
    "domain_name",
    "workflow_builder",
    "ci",
)


class Desk:
    """A place to work in: a home folder with nothing in it, and the commands that a user types."""

    def __init__(self, home: Path, *, prefix: tuple[str, ...] = ()) -> None:
        """Set the place up; `prefix` is a command that runs all others."""
        home.mkdir(parents=True, exist_ok=True)
        self.home = home
        self.prefix = prefix
        self.environment = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "COLUMNS": "200",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            **dict.fromkeys(["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"], "Ada"),
            **dict.fromkeys(["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"], "ada@example.com"),
        }

    def run(self, *command: str | Path, cwd: Path, check: bool = True, typed: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command in `cwd` with `typed` as its input; output and errors come back in one text.

        Raises:
            AssertionError: it failed and `check` is set; the message is what it said.
        """
        result = subprocess.run(
            [*self.prefix, *(str(part) for part in command)],
            cwd=cwd,
            env=self.environment,
            input=typed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert not check or result.returncode == 0, f"{command}\n{result.stdout}"
        return result

    def git(self, *arguments: str | Path, cwd: Path) -> str:
        """Run git in `cwd` and give what it printed."""
        return self.run("git", *arguments, cwd=cwd).stdout.strip()

    def commit(self, folder: Path, *, tag: str = "") -> None:
        """Commit everything in `folder`, as its first commit if need be."""
        if not (folder / ".git").exists():
            self.git("init", "--quiet", "--initial-branch", "main", cwd=folder)
        self.git("add", "--all", cwd=folder)
        self.git("commit", "--quiet", "--allow-empty", "--message", tag or "Work", cwd=folder)
        if tag:
            self.git("tag", tag, cwd=folder)

    def render(self, engine: str, template: str | Path, folder: Path, answers: Mapping[str, str]) -> Path:
        """Render into a new project under `folder` without questions and give the project's path."""
        folder.mkdir(parents=True, exist_ok=True)
        if engine == "cookiecutter":
            typed = [f"{question}={answer}" for question, answer in answers.items()]
            self.run("cookiecutter", "--no-input", "--output-dir", folder, template, *typed, cwd=self.home)
        else:
            typed = [f"--data={question}={answer}" for question, answer in answers.items()]
            self.run("copier", "copy", "--defaults", "--quiet", *typed, template, folder / "project", cwd=self.home)
        (project,) = folder.iterdir()
        return project


def copy_template(folder: Path, *, tree: tuple[str, ...] = ("",)) -> Path:
    """Copy the files of this repository that git knows or would add: what a user's clone holds once they are committed.

    Of the template's tree come the files that start with one of `tree`.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.split("\0"):
        inside = name.removeprefix(f"{TREE.name}/")
        if (ROOT / name).is_file() and (inside == name or inside.startswith(tree)):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    """Give every file's mode and bytes by its path; git's own are left out."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and ".git" not in path.relative_to(folder).parts]
    return {path.relative_to(folder).as_posix(): oct(path.stat().st_mode).encode() + b"\n" + path.read_bytes() for path in paths}
