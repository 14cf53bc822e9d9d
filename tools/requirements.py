"""Prints the packages to work with: the template's own and those of its tree.

uv cannot read the tree's pyproject.toml itself: its name is none before it is rendered.
"""

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROJECTS = (ROOT, ROOT / "<<cookiecutter.project_slug>>")


def main() -> None:
    """Print one requirement a line, as `uv pip install --requirements` reads them."""
    for project in PROJECTS:
        settings = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
        print(*settings["project"].get("dependencies", []), *settings["dependency-groups"]["dev"], sep="\n")


if __name__ == "__main__":
    main()
