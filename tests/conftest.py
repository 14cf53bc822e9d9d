"""The template as a user's clone has it, and projects rendered from it once for all tests."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.answers import GOOD
from tests.engines import Desk, copy_template

Rendered = Callable[[str, str], Path]


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A home folder of the tests' own and the commands that users type."""
    return Desk(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, desk: Desk) -> Path:
    """A clone of this template with the tag v0.1.0; tests leave it as it is."""
    folder = copy_template(tmp_path_factory.mktemp("git") / "kairon-template")
    desk.commit(folder, tag="v0.1.0")
    return folder


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory, desk: Desk, template: Path) -> Rendered:
    """Render a set of answers by its name, once per engine; tests leave the project as it is."""
    cache: dict[tuple[str, str], Path] = {}

    def render(engine: str, name: str) -> Path:
        if (engine, name) not in cache:
            cache[engine, name] = desk.render(engine, template, tmp_path_factory.mktemp(f"{engine}-{name}-"), GOOD[name])
        return cache[engine, name]

    return render
