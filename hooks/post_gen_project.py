"""Finish what cookiecutter rendered: drop the paths in .prune, note where the project comes from, say what is next."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

CONTEXT: dict[str, str] = json.loads(r"""<< dict(cookiecutter, root=template_root, started_in=started_in)|tojson >>""")
ROOT = Path(CONTEXT["root"])
# What copier takes for a repository as it stands; other addresses need `git+` in front.
KNOWN_TO_COPIER = re.compile(r"(git@|git://|git\+|https://github\.com/|https://gitlab\.com/).*|.*\.(git|zip)")


def git(*args: str) -> str:
    """Ask git about the template; an empty string when it is no repository of its own or there is no git."""
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        return ""
    return subprocess.run(["git", "-C", str(ROOT), *args], capture_output=True, text=True, check=False).stdout.strip()


def source() -> str:
    """Say where the template is, in words that `copier update` understands from any folder, and without a password."""
    template = CONTEXT["_template"]
    if template == CONTEXT["_repo_dir"]:
        return str(ROOT)
    if template.startswith(("gh:", "gl:")):
        return template
    url = re.sub(r"(?<=^https://)[^/@]*@", "", git("config", "--get", "remote.origin.url") or template)
    return url if KNOWN_TO_COPIER.fullmatch(url) else f"git+{url}"


def prune() -> None:
    """Drop what .prune lists and the template has: `/path` in this folder, any other pattern in every folder."""
    tree = next(ROOT.glob("*cookiecutter.project_slug*"))
    for pattern in filter(None, re.sub("#.*", "", Path(".prune").read_text(encoding="utf-8")).split("\n")):
        for path in tree.glob(pattern[1:]) if pattern.startswith("/") else tree.rglob(pattern):
            dropped = path.relative_to(tree)
            shutil.rmtree(dropped, ignore_errors=True) if path.is_dir() else dropped.unlink(missing_ok=True)


def note_origin() -> None:
    """Write what copier writes by itself, so that `copier update` works on this project too."""
    origin = {"_commit": git("describe", "--tags", "--always"), "_src_path": source()}
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in origin.items() if value]
    comment, answers = Path(".copier-answers.yml").read_text(encoding="utf-8").split("\n", 1)
    Path(".copier-answers.yml").write_text("".join([comment, "\n", *lines, answers]), encoding="utf-8")


def say_next_steps() -> None:
    """Print what copier prints, with a path that works where the user is."""
    folder, here = Path.cwd(), Path(CONTEXT["started_in"])
    text = (ROOT / "hooks/next_steps.txt").read_text(encoding="utf-8")
    print(text.replace("{folder}", shlex.quote(str(folder.relative_to(here) if folder.is_relative_to(here) else folder))))


prune()
note_origin()
say_next_steps()
