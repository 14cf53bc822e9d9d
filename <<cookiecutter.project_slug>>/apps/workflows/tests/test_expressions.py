"""Expressions compute and can do nothing else; what is wrong with one is said to its author."""

from typing import Any

import pytest

from apps.workflows import expressions
from apps.workflows.expressions import ExpressionError

CONTEXT = {
    "input": {"name": "Ada", "amount": 250, "tags": ["a", "b"], "address": None},
    "steps": {"review": {"output": {"status": "approved"}}},
}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("input.amount > 100 && input.name == 'Ada'", True),
        ("!(input.amount in [1, 2])", True),
        ("has(input.nothing)", False),
        ("steps.review.output.status", "approved"),
        ("input.tags.all(tag, tag != 'c')", True),
        ("size(input.tags) * 2", 4),
        ("input.name.startsWith('A') ? 'yes' : 'no'", "yes"),
        ("input.amount > 99.5", True),
        ("input.tags.filter(tag, (tag != 'a')).map(tag, tag + '!') == ['b!']", True),
        ("size(input.tags.filter(tag, tag == ').map(x, x.map(y, y))')) == 0", True),
        ("input.tags[1]", "b"),
    ],
)
def test_an_expression_has_its_value(expression: str, value: Any) -> None:
    expressions.check(expression)

    assert expressions.evaluate(expression, CONTEXT) == value


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("", "empty"),
        ("1 +", "is no expression"),
        ("inptu.name == 'Ada'", "speaks of inptu: begin with execution, input"),
        ("open('/etc/passwd')", "calls open"),
        ("input.name.__class__()", "is no expression|calls __class__"),
        ("item.name", "speaks of item"),
        ("input.name == " + "'a'" * 1000, "at most 2,000 characters"),
        ("steps['review'].output", "write steps.KEY"),
        ("input.tags.all(a, input.tags.exists(b, a == b))", "lists in lists"),
        ("input.tags" + ".map(s, s + s)" * 4, "more than 3 times"),
        (f"input.tags.map(s, {' + '.join('s' * 10)})", "more than 8 times"),
    ],
)
def test_what_can_never_have_a_value_is_refused(expression: str, reason: str) -> None:
    with pytest.raises(ExpressionError, match=reason):
        expressions.check(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "input.nothing",
        "input.name.deeper",
        "steps.other.output",
        "input.amount + 'a'",
        "1 / 0",
        "input.tags[2]",
        "input.tags[-1]",
    ],
)
def test_what_has_no_value_here_is_said(expression: str) -> None:
    expressions.check(expression)

    with pytest.raises(ExpressionError, match="has no value"):
        expressions.evaluate(expression, CONTEXT)


def test_a_condition_is_true_or_false() -> None:
    with pytest.raises(ExpressionError, match="a condition is true or false"):
        expressions.holds("input.amount", CONTEXT)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Dear {{ input.name }}, it is {{ input.amount }}.", "Dear Ada, it is 250."),
        ("{{ input.tags }}", ["a", "b"]),
        (" {{ input.amount }} ", 250),
        ("{{ input.name }}{{ input.name }}", "AdaAda"),
        ("[{{ input.address }}]", "[]"),
        ("as {{ input.tags }}", 'as ["a", "b"]'),
        ("{{ input.amount > 3 }}!", "true!"),
        ("no expression", "no expression"),
        ("it's '{{ input.name }}'", "it's 'Ada'"),
        ("{ {{ input.amount }} }", "{ 250 }"),
    ],
)
def test_a_text_has_its_expressions_replaced(text: str, value: Any) -> None:
    expressions.check_text(text)

    assert expressions.render(text, CONTEXT) == value


@pytest.mark.parametrize("text", ["Dear {{ input.name", "Dear input.name }}", "{{ }}", "Dear {{ nobody }}", "{{" * 100_000])
def test_a_text_that_cannot_be_filled_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        expressions.check_text(text)


def test_what_an_expression_speaks_of_is_found_and_not_in_what_it_quotes() -> None:
    expression = "steps.one.output.x == 'steps.two' && input.a > input.b.c && execution.input == 1"

    assert expressions.steps_in(expression) == {"one"}
    assert expressions.steps_in("trigger.data.steps.total + input.steps.one") == set()
    assert expressions.inputs_in(expression) == {"a", "b"}


def test_a_value_is_not_looked_at_again_for_expressions() -> None:
    """Or whoever fills in a form could read what the author did not mean to tell."""
    context = {"input": {"name": "{{ input.secret }}", "secret": "s3cret"}}

    assert expressions.render("Dear {{ input.name }}", context) == "Dear {{ input.secret }}"
