"""The page about workflows that people define says what is so."""

import re
from pathlib import Path

import yaml

from apps.triggers.kinds import KINDS
from apps.workflows.definitions import DefinitionDoc
from apps.workflows.expressions import ITEM_ROOTS, ROOTS
from apps.workflows.kinds import base
from apps.workflows.validation import problems

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "workflows.md").read_text()


def named(heading: str) -> set[str]:
    """What stands in code in the first column of a section's tables."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (.*?) \|", section, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([\w-]+)", cell)}


def test_the_definition_that_it_shows_can_be_published() -> None:
    (shown,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)

    assert problems(DefinitionDoc.model_validate(yaml.safe_load(shown))) == []


def test_it_names_every_kind_of_step() -> None:
    people = {name for name, kind in base.kinds().items() if kind.flow == "people"}

    assert named("Kinds of steps") | people == set(base.kinds())
    assert all(f"`{name}`" in PAGE for name in people)


def test_it_names_everything_that_an_expression_may_begin_with() -> None:
    assert named("Expressions") == ROOTS | ITEM_ROOTS


def test_it_names_every_field_of_a_question_to_people() -> None:
    assert named("Asking people") == set(base.find("signature").Config.model_fields)


def test_it_names_every_kind_of_trigger() -> None:
    assert named("Triggers") >= set(KINDS)
