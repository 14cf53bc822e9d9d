"""The documentation names what there is, and what there is, is documented."""

import ast
import re
from pathlib import Path

import pytest
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
DOCUMENTED = "".join(page.read_text() for page in PAGES[1:])
COMMANDS = sorted(name for name, app in get_commands().items() if app.startswith("apps."))
README_LINES = 120
MADE_BY_THE_READER = ("apps/trials", "schedules.py", "tasks.py", "temporal.toml")

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def prose(page: Path) -> str:
    """The text without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """What a link can point to: headings, written as GitHub and GitLab write them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pages
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pages
def test_files_that_are_named_exist(page: Path) -> None:
    folders = (ROOT, *(path for folder in ("apps", "config") for path in (ROOT / folder).rglob("*") if path.is_dir()))
    named = re.findall(r"`((?:apps|config|tests|docs|bin)/[\w./-]+|[\w.-]+\.(?:py|toml|yaml|md))`", prose(page))

    assert [
        name
        for name in named
        if not name.startswith(MADE_BY_THE_READER) and not any((folder / name).exists() for folder in folders)
    ] == []


@pages
def test_python_in_the_documentation_is_python(page: Path) -> None:
    for block in re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL):
        ast.parse(block if not block.startswith(" ") else f"def excerpt():\n{block}")


def test_every_variable_has_a_row_and_every_row_a_variable() -> None:
    rows = re.findall(r"^\| `([A-Z][A-Z_]+)` \|", DOCUMENTED, re.MULTILINE)
    listed = set(re.findall(r"^# ([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    containers = "".join((ROOT / name).read_text() for name in ("compose.yaml", "Dockerfile"))

    assert sorted(rows) == sorted(set(rows))
    assert listed <= set(rows)
    assert [name for name in set(rows) - listed if name not in containers] == []


def test_every_command_is_explained() -> None:
    explained = re.findall(r"^\| `(\w+)[ `]", DOCUMENTED, re.MULTILINE)

    assert [name for name in COMMANDS if name not in explained] == []


@pages
def test_commands_that_are_named_exist(page: Path) -> None:
    named = set(re.findall(r"manage\.py ([a-z_]+)", page.read_text()))

    assert named <= set(get_commands())


def test_every_page_is_linked_from_the_readme_or_has_the_name_of_an_app() -> None:
    readme = PAGES[0].read_text()

    strays = [page for page in PAGES[1:] if f"(docs/{page.name})" not in readme]
    assert [page.name for page in strays if not (ROOT / "apps" / page.stem).is_dir()] == []
    assert "[docs](docs)" in readme


def test_the_readme_stays_short() -> None:
    assert len(PAGES[0].read_text().splitlines()) <= README_LINES
