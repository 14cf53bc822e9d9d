"""What a template may ask for has an end: what it computes, how often it repeats, and nothing while it is uploaded."""

from typing import Any

import pytest

from apps.workflows import document_language
from apps.workflows.document_language import DocumentEnvironment
from apps.workflows.office import WORD, CannotFill, fill, read_template
from apps.workflows.tests.office_files import word, word_texts

VALUES: dict[str, Any] = {
    "number": 2, "big": 10**400, "text": "text", "long": "x" * 200, "names": ["b", "a"], "lists": [[1], [2]], "day": "2026-01-31",
    "rows": [{"name": "b", "price": 2}, {"name": "a", "price": 1}], "many": list(range(1_000)),
}  # fmt: skip


def filled(text: str, **values: Any) -> str:
    return "".join(word_texts(fill(WORD, word((text,)), VALUES | values)))


@pytest.mark.parametrize(
    "expression",
    [
        # Operators, of Python's own that make a thing longer, or a number.
        "number ** 9", "number // 2", "number % 2", "text * 9", "9 * text", "text + text", "text ~ text", "names * 9",
        "[1] * 9", "(1, 2)", "{'a': 1}", "'%9d' % 1", "big * big", "big + 1",
        # Methods and functions.
        "text.center(9)", "text.ljust(9)", "text.zfill(9)", "text.replace('t', text)", "text.join(names)", "'{:9}'.format(1)",
        "names.__mul__(9)", "range(9)", "lipsum(9)", "dict(a=1)", "cycler(1)", "joiner()", "namespace()",
        # Filters that there are not.
        "text | center(9)", "text | indent(9)", "text | wordwrap(1)", "text | replace('t', text)", "names | join(text)",
        "'%9d' | format(1)", "names | batch(1) | list", "names | slice(9) | list", "names | map('upper') | list", "text | list",
        "text | urlize", "rows | groupby('name') | list", "names | unique | list", "names | tojson", "names | pprint",
        "text | truncate(9)", "text | filesizeformat", "number | string", "text | escape", "text | a loop",
        # Filters and tests that there are, with more than they need.
        "text | round(9)", "number | round(text)", "text | trim(long)", "day | date(long)", "rows | sum(long)",
        "rows | sort(attribute=long) | length", "lists | sum(start=names)", "lists | sum", "rows | sum('name')",
        "number | number(text)", "'%9d' is even", "'%9d' is odd", "'%9d' is divisibleby(3)", "text is sameas(text)",
    ],
)  # fmt: skip
def test_what_would_grow_is_refused(expression: str) -> None:
    with pytest.raises(CannotFill):
        filled(f"{{{{ {expression} }}}}")


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("1.5 | round(999999999, 'floor')", "1.5"), ("12.5 | round(-999999999)", "0.0"), ("1.256 | round(2)", "1.26"),
        ("1.5 | round(method='ceil')", "2.0"), ("number | number(999999999)", "2.0000000000"), ("number | number(-9)", "2"),
        ("rows | sum('price')", "3"), ("many | sum", "499500"), ("lists | length", "2"), ("names | sort | first", "a"),
        ("(rows | sort(attribute='price') | first).name", "a"), ("(names | sort(true))[0]", "b"), ("'xax' | trim('x')", "a"),
        ("text | upper", "TEXT"), ("text | capitalize", "Text"), ("'a b' | title", "A B"), ("text[1:3]", "ex"),
        ("'a' in names", "True"), ("number is even", "True"), ("number is divisibleby(2)", "True"),
        ("nobody is defined", "False"), ("nobody | default('-')", "-"), ("names | last", "a"),
        ("text is eq('text')", "True"), ("day | date('Y')", "2026"),
    ],
)  # fmt: skip
def test_what_has_an_end_is_shown(expression: str, shown: str) -> None:
    assert filled(f"{{{{ {expression} }}}}") == shown


def test_an_upload_computes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    spent: list[int] = []
    monkeypatch.setattr(DocumentEnvironment, "spend", lambda _, steps: spent.append(steps))
    text = "{{ 'a' | upper }}{{ 'a' == 'b' }}{% if 'b' | lower in 'abc' %}{% endif %}{{ 'abc'[1:] }}{{ a }}"

    assert read_template("a.docx", word((text,))) == (WORD, ["a"])
    assert spent == []
    assert filled(text, a="!") == "AFalsebc!"
    assert spent


@pytest.mark.parametrize(
    "text",
    [
        "{% for a in many %}{% for b in many %}{% endfor %}{% endfor %}",
        "{% for a in many %}{% for b in many if b > 5000 %}{{ b }}{% endfor %}{% endfor %}",
        "{% for a in many %}{% if a in many %}{% endif %}{% endfor %}",
        "{% for a in many %}{% if a is in(many) %}{% endif %}{% endfor %}",
        "{% for a in many %}{% if many == 1 %}{% endif %}{% endfor %}",
        "{% for a in many %}{% if many | sort %}{% endif %}{% endfor %}",
        "{% for a in many %}{% if many | sum %}{% endif %}{% endfor %}",
        "{% for a in many %}{% if many[1:] %}{% endif %}{% endfor %}",
        "{% for a in many %}{% if essay | upper %}{% endif %}{% endfor %}",
    ],
)
def test_what_is_not_shown_has_an_end(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_language, "MAX_STEPS", 50_000)

    with pytest.raises(CannotFill, match="takes more than 50,000 steps"):
        filled(text, essay="x" * 10_000)


def test_steps_are_those_of_the_whole_document(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_language, "MAX_STEPS", 5_000)
    text = "{% for a in many %}{% endfor %}"

    assert filled(text) == ""
    with pytest.raises(CannotFill, match="takes more than"):
        filled(text * 3)
    with pytest.raises(CannotFill, match="takes more than"):
        fill(WORD, word((text,), header=text * 2), VALUES)


@pytest.mark.parametrize("expression", ["(" * 5_000 + "1" + ")" * 5_000, "1" + "+1" * 10_000, "-" * 20_000 + "1"])
def test_what_is_nested_too_deep_is_said(expression: str) -> None:
    with pytest.raises(CannotFill, match="nested too deep"):
        filled(f"{{{{ {expression} }}}}")
