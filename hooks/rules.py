"""What an answer may be, for cookiecutter: the filter that its questions use. copier.yml reads the same rules.json."""

import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cookiecutter.exceptions import FailedHookException
from jinja2 import Environment
from jinja2.ext import Extension

ROOT = Path(__file__).resolve().parents[1]
RULES: dict[str, Any] = json.loads((ROOT / "rules.json").read_text(encoding="utf-8"))
STARTED_IN = Path.cwd()


def refusal(question: str, answer: object) -> str:
    """Say in one sentence what to type instead of `answer`; an empty string means that it is good."""
    if not isinstance(answer, str) or not re.search(RULES[question]["pattern"], answer):
        return f"{question} {answer!r}: {RULES[question]['message']}"
    if question == "project_slug" and answer in RULES["reserved"]["names"]:
        return f"{question} {answer!r}: {RULES['reserved']['message']}"
    return ""


def checked(answer: object, question: str) -> str:
    """Refuse a bad answer right after its question, by the one exception that cookiecutter prints as a plain line."""
    if sentence := refusal(question, answer):
        raise FailedHookException(sentence)
    return ""


def all_checked(answers: dict[str, object]) -> str:
    """Refuse bad answers that no question was asked for: those of a replay file."""
    return "".join(checked(answers[question], question) for question in RULES if question in answers)


class AnswerRules(Extension):
    """Gives the filters to the questions, and the rules and two folders to questions and hooks."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        # Not cookiecutter.__version__, which is 2.6.0 in 2.7.0.
        if [int(part) for part in re.findall(r"\d+", version("cookiecutter"))] < [2, 7]:
            raise FailedHookException("This template needs cookiecutter 2.7 or later: pip install --upgrade cookiecutter")
        environment.filters.update(checked=checked, all_checked=all_checked)
        environment.globals.update(rules=RULES, template_root=str(ROOT), started_in=str(STARTED_IN))

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002 - Jinja's signature
        """Check all answers before the project's folder is made (hooks run after that), and refuse those that Jinja would run.

        cookiecutter renders what its command line and a user config give. An answer may quote others, as its documentation shows:
        like the template's own texts it says `cookiecutter`.
        """
        if source == "<<cookiecutter.project_slug>>":
            return f"<< cookiecutter|all_checked >>{source}"
        if name is None and "cookiecutter" not in source and re.search("<[<%#]|# %", source):
            raise FailedHookException(f"{source!r}: type this answer without <, % and #, for example My Project.")
        return source
