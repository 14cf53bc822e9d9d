"""What an answer may be, for cookiecutter: the filter that its questions use. copier.yml reads the same rules.json."""

import json
import re
from pathlib import Path
from typing import Any

import cookiecutter
from cookiecutter.exceptions import FailedHookException
from jinja2 import Environment
from jinja2.ext import Extension

ROOT = Path(__file__).resolve().parents[1]
RULES: dict[str, Any] = json.loads((ROOT / "rules.json").read_text(encoding="utf-8"))
OLDEST = (2, 7)
CODE_MARKS = ("<<", "<%", "<#", "# %")


def refusal(question: str, answer: object) -> str:
    """Say in one sentence what to type instead of `answer`; an empty string means that it is good."""
    if not isinstance(answer, str) or not re.search(RULES[question]["pattern"], answer):
        return f"{question} {answer!r}: {RULES[question]['message']}"
    if question == "project_slug" and answer in RULES["reserved"]["names"]:
        return f"{question} {answer!r}: {RULES['reserved']['message']}"
    return ""


def checked(answer: object, question: str) -> str:
    """Stop right after the question, while nothing is on disk. Of a filter's exceptions cookiecutter prints only this one plainly."""
    if sentence := refusal(question, answer):
        raise FailedHookException(sentence)
    return ""


class AnswerRules(Extension):
    """Gives `checked`, `rules` and `template_root` to the questions and the hooks."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        if tuple(int(part) for part in cookiecutter.__version__.split(".")[:2]) < OLDEST:
            raise FailedHookException("This template needs cookiecutter 2.7 or later: pip install --upgrade cookiecutter")
        environment.filters["checked"] = checked
        environment.globals.update(rules=RULES, template_root=str(ROOT))

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002 - Jinja's signature
        """Refuse an answer that Jinja would run: cookiecutter renders what comes from its command line or a user config.

        Answers that quote other answers, as cookiecutter's documentation shows, pass: they and the template's own texts say `cookiecutter`.
        """
        if name is None and "cookiecutter" not in source and any(mark in source for mark in CODE_MARKS):
            raise FailedHookException(f"{source!r}: type this answer without <, % and #, for example My Project.")
        return source
