"""Refuse bad answers before anything is rendered. The questions did so already, unless the answers come from a replay file."""

import json
import sys

CONTEXT: dict[str, str] = json.loads(r"""<< dict(cookiecutter, root=template_root)|tojson >>""")
sys.path.append(CONTEXT["root"])

from hooks.rules import RULES, refusal  # noqa: E402 - found by the line above

for question in RULES.keys() & CONTEXT.keys():
    if sentence := refusal(question, CONTEXT[question]):
        sys.exit(sentence)
