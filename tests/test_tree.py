"""The template's own tree: valid source where it lies, in files of a size that people read, without another template language."""

import ast
import json
import re
import subprocess
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import jinja2
import pytest
import yaml

from tests.engines import ROOT, TREE

QUESTIONS = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
LONGEST_MODULE = 300
ANSWER = re.compile(r"<<\s*(cookiecutter\.\w+|_copier_answers\.\w+\|to_json\(ensure_ascii=False\))\s*>>")
# https://html.spec.whatwg.org/multipage/syntax.html#void-elements
NEVER_CLOSED = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


def listed() -> list[str]:
    """Give the tree's files that git knows or would add."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=TREE, capture_output=True, text=True, check=True).stdout.split("\0")
    return sorted({name for name in names if (TREE / name).is_file()})


NAMES = listed()
TEXTS = {name: (TREE / name).read_text(encoding="utf-8") for name in NAMES if b"\0" not in (TREE / name).read_bytes()}


def ending(*endings: str) -> list[str]:
    """Give the text files with one of these endings."""
    return [name for name in TEXTS if name.endswith(endings)]


@pytest.mark.parametrize("name", ending(".py"))
def test_python_parses_and_is_short(name: str) -> None:
    ast.parse(TEXTS[name], filename=name)

    assert len(TEXTS[name].splitlines()) < LONGEST_MODULE or "migrations" in Path(name).parts


@pytest.mark.parametrize("name", ending(".toml"))
def test_toml_parses(name: str) -> None:
    tomllib.loads(TEXTS[name])


@pytest.mark.parametrize("name", ending(".yaml", ".yml"))
def test_yaml_parses(name: str) -> None:
    list(yaml.compose_all(TEXTS[name], Loader=yaml.SafeLoader))


@pytest.mark.parametrize("name", ending(".json"))
def test_json_parses(name: str) -> None:
    json.loads(TEXTS[name])


@pytest.mark.parametrize("name", ending(".html"))
def test_html_closes_what_it_opens(name: str) -> None:
    # A tag may stand right behind an element's name, a value may be all there is of an attribute.
    without_tags = re.sub(r"{%.*?%}|{#.*?#}", " ", TEXTS[name], flags=re.DOTALL)
    without_django = re.sub(r"{{.*?}}", "x", without_tags, flags=re.DOTALL)
    page = Elements()
    page.feed(without_django)
    page.close()

    assert page.unclosed == []


@pytest.mark.parametrize("name", TEXTS)
def test_the_template_language_is_used_for_answers_and_whole_lines_only(name: str) -> None:
    text = TEXTS[name]
    for line in text.splitlines():
        if line.lstrip().startswith("# %"):
            assert re.fullmatch(r"\s*# % (if .+|elif .+|else|endif)", line), line
            assert not name.endswith((".html", ".md", ".json")), "a condition is a line of Python, YAML, TOML or a Makefile"
        else:
            assert not re.search(r"<<|<%|%>|<#|#>", ANSWER.sub("", line)), line
    jinja2.Environment(**QUESTIONS["_jinja2_env_vars"]).parse(text)  # noqa: S701 - parsed only


def test_no_path_is_written_in_the_template_language() -> None:
    assert [name for name in NAMES if re.search(r"<<|<%|<#|{{|{%", name)] == []


def test_what_is_pruned_is_never_needed_by_name() -> None:
    """A pattern without a slash would also drop a folder of that name that belongs to the project."""
    kept = [line for line in TEXTS[".prune"].splitlines() if line and not line.startswith(("#", "/"))]

    assert [name for name in NAMES for pattern in kept if any(Path(part).match(pattern) for part in Path(name).parts)] == []


def test_what_is_pruned_whatever_the_answers_is_never_rendered() -> None:
    """cookiecutter would read a cache as a template before the hook drops it, and stop at the first byte that is no text."""
    always = re.sub(r"# % if .*?# % endif", "", TEXTS[".prune"], flags=re.DOTALL).splitlines()
    patterns = {line.removeprefix("/") if line.startswith("/") else f"*{line}" for line in always if line and line[0] != "#"}
    copied = set(QUESTIONS["_copy_without_render"])

    assert patterns - {".prune"} <= copied
    # The others are folders with nothing to render: copying them as they are halves what a render costs.
    plain = [name for name in TEXTS for folder in copied - patterns if name.startswith(f"{folder}/")]
    assert plain
    assert [name for name in plain if to_render(TEXTS[name])] == []


def to_render(text: str) -> bool:
    """Whether a text has a part in the template language."""
    return re.search(r"<<|<%|<#|# %", text) is not None


class Elements(HTMLParser):
    """Collects the elements that a page opens and does not close, and those that it closes without opening them."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.stray: list[str] = []

    @property
    def unclosed(self) -> list[str]:
        """Give both kinds of elements by name."""
        return self.open + self.stray

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - HTMLParser's
        """Remember an element until it is closed."""
        if tag not in NEVER_CLOSED:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Forget the element, which must be the one opened last."""
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.stray.append(f"/{tag}")
