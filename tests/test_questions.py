"""cookiecutter.json and copier.yml ask the same, offer the same and accept the same; rules.json leaves no name out."""

import importlib.metadata
import json
import keyword
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from cookiecutter.generate import generate_context
from cookiecutter.prompt import prompt_for_config
from packaging.requirements import Requirement

from tests.answers import DERIVED_SLUGS
from tests.engines import QUESTIONS, ROOT, TREE

COOKIECUTTER: dict[str, Any] = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
COPIER: dict[str, Any] = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))
RULES: dict[str, Any] = json.loads((ROOT / "rules.json").read_text(encoding="utf-8"))
RESERVED = set(RULES["reserved"]["names"])


def squeezed(text: str) -> str:
    """Give a Jinja text as copier.yml has it, without the white space between tags."""
    return re.sub(r"\s+(?=<)|(?<=>)\s+", "", text.replace("cookiecutter.", ""))


def test_the_questions_have_the_same_names_and_order() -> None:
    asked = [name for name, question in COPIER.items() if not name.startswith("_") and question.get("when", True)]

    assert asked == [name for name in COOKIECUTTER if not name.startswith("_")] == list(QUESTIONS)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_has_the_same_help_and_default(question: str) -> None:
    prompt, default = COOKIECUTTER["__prompts__"][question], COOKIECUTTER[question]
    if isinstance(default, list):
        labels = {label: value for value, label in prompt.items() if value != "__prompt__"}
        assert COPIER[question]["choices"] == labels
        assert list(labels.values()) == default
        prompt, default = prompt["__prompt__"], default[0]

    assert COPIER[question]["help"] == prompt
    theirs = COPIER[question]["default"]
    assert theirs is default if isinstance(default, bool) else squeezed(theirs) == squeezed(default)


@pytest.mark.parametrize("question", [question for question in QUESTIONS if question in RULES])
def test_an_answer_is_checked_by_the_same_rule_right_after_its_question(question: str) -> None:
    names = list(COOKIECUTTER)

    assert names[names.index(question) + 1] == f"__check_{question}"
    assert COOKIECUTTER[f"__check_{question}"] == f"<< cookiecutter.{question}|checked('{question}') >>"
    assert COPIER[question]["validator"].startswith(
        f"<% if not {question}|regex_search(rules.{question}.pattern) %><< rules.{question}.message >>"
    )


@pytest.mark.parametrize("question", ["project_name", "description", "author_name"])
@pytest.mark.parametrize(
    "character", [*"'\"`\\<>{}$%#", *"\n\t\0\x1b\x7f\x85\u200b\u200e\u2028\u202e\u2066\ufeff\ufffe\ud800"], ids=ascii
)
def test_no_character_that_could_break_a_file_is_let_through(question: str, character: str) -> None:
    pattern = RULES[question]["pattern"]

    assert re.search(pattern, "A-B")
    assert not re.search(pattern, f"A{character}B")


def test_every_message_says_what_to_type_in_one_sentence() -> None:
    for question, rule in RULES.items():
        assert re.fullmatch(r"type .+, for example .+\.", rule["message"]), question


def test_the_tree_reads_the_same_answers_from_both_engines() -> None:
    given = re.findall(r'"(\w+)": (\w+)', COPIER["cookiecutter"]["default"])

    assert [name for name, _ in given] == list(QUESTIONS)
    assert all(name == value for name, value in given)


def test_the_delimiters_are_the_same() -> None:
    theirs = {name: value for name, value in COPIER["_envops"].items() if name not in {"keep_trailing_newline", "undefined"}}

    assert theirs == COOKIECUTTER["_jinja2_env_vars"]


def test_the_answers_file_lists_every_answer() -> None:
    assert [key for key in yaml.safe_load((TREE / ".copier-answers.yml").read_text(encoding="utf-8")) if key[0] != "_"] == list(
        QUESTIONS
    )


def test_nothing_in_copier_yml_needs_trust() -> None:
    assert not {"_tasks", "_migrations", "_jinja_extensions"} & COPIER.keys()


def test_a_slug_may_not_be_a_keyword_or_a_standard_module() -> None:
    pattern = RULES["project_slug"]["pattern"]
    names = {*keyword.kwlist, *keyword.softkwlist, *sys.stdlib_module_names}

    assert {name for name in names if re.search(pattern, name)} - RESERVED == set()


def test_a_slug_may_not_be_a_module_that_the_project_installs_or_has() -> None:
    needed = dependencies()
    modules = {
        module for module, sources in importlib.metadata.packages_distributions().items() if needed & set(map(plain, sources))
    }
    folders = {path.name for path in TREE.iterdir() if path.is_dir()}
    names = modules | folders | {name.replace("-", "_") for name in needed if not name.endswith("-stubs")}

    assert {name for name in names if re.search(RULES["project_slug"]["pattern"], name)} - RESERVED == set()


def test_the_reserved_names_are_sorted_slugs() -> None:
    names = RULES["reserved"]["names"]

    assert names == sorted(set(names))
    assert [name for name in names if not re.search(RULES["project_slug"]["pattern"], name)] == []


@pytest.mark.parametrize("name", DERIVED_SLUGS)
def test_the_slug_follows_from_the_name(name: str) -> None:
    context = generate_context(str(ROOT / "cookiecutter.json"), extra_context={"project_name": name})

    assert prompt_for_config(context, no_input=True)["project_slug"] == DERIVED_SLUGS[name]


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_is_documented_with_its_default(question: str) -> None:
    page = (ROOT / "docs/generate.md").read_text(encoding="utf-8")
    default = {"project_slug": "follows from the name", "workflow_builder": "yes"}.get(question, COPIER[question]["default"])

    assert f"| `{question}` | {default} |" in page


@pytest.mark.parametrize("page", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda page: page.name)
def test_a_page_is_short_and_its_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert len(text.splitlines()) <= 120
    assert [link for link in re.findall(r"\]\((?!https?:)([^)#]+)", text) if not (page.parent / link).exists()] == []


def plain(name: str) -> str:
    """Give a distribution's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def dependencies() -> set[str]:
    """Give the distributions that the rendered project installs here, with those that they need."""
    project = tomllib.loads((TREE / "pyproject.toml").read_text(encoding="utf-8"))
    waiting = [Requirement(line) for line in [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]]
    found: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        wanted = waiting.pop()
        key = (plain(wanted.name), frozenset(wanted.extras))
        if key in found:
            continue
        found.add(key)
        try:
            needed = importlib.metadata.requires(wanted.name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        extras = {"", *wanted.extras}
        lines = [Requirement(line) for line in needed]
        waiting += [
            line for line in lines if line.marker is None or any(line.marker.evaluate({"extra": name}) for name in extras)
        ]
    return {name for name, _ in found}
