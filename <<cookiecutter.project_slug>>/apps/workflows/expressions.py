"""Expressions over the context of an execution: CEL, https://cel.dev, which computes and can do nothing else.

A text may have expressions in it, `Dear {{ input.name }}`; a text that is one expression gives its value, of whatever type.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import cel

# What an expression may begin with. `item` and `index` exist where a step does something to each item of a list.
ROOTS = frozenset({"input", "steps", "trigger", "source", "workflow", "execution", "metadata", "now"})
ITEM_ROOTS = frozenset({"item", "index"})
FUNCTIONS = frozenset({
    "size", "has", "string", "int", "uint", "double", "type", "contains", "startsWith", "endsWith", "matches", "timestamp",
    "duration", "getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getHours",
    "getMinutes", "getSeconds",
})  # fmt: skip
MAX_LENGTH = 2_000
OPENING, CLOSING = "{{", "}}"
# How often an expression may go through a list, one time after the other, and how many values it may join for each element.
MAX_LOOPS, MAX_JOINED = 3, 8
# Names that all(), exists(), exists_one(), map() and filter() give to the elements of their list.
LOCAL = re.compile(r"\.\s*(?:all|exists|exists_one|map|filter)\s*\(\s*([A-Za-z_]\w*)\s*,")
# What stands in quotes is no reference.
QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
STEP = re.compile(r"(?<![\w.])steps\s*\.\s*([A-Za-z_]\w*)")
STEP_BY_TEXT = re.compile(r"(?<![\w.])steps\s*\[")
INPUT = re.compile(r"(?<![\w.])input\.([A-Za-z_]\w*)")

type Context = Mapping[str, Any]


class ExpressionError(ValueError):
    """An expression means nothing, or has no value in this context. The message is a sentence for its author."""


def check(expression: str, *, with_item: bool = False) -> None:
    """Raises ExpressionError for what can never have a value."""
    program = _compiled(expression)
    known = ROOTS | (ITEM_ROOTS if with_item else frozenset())
    unknown = set(program.variables()) - known - set(LOCAL.findall(expression))
    if unknown:
        raise ExpressionError(f"{expression!r} speaks of {', '.join(sorted(unknown))}: begin with {', '.join(sorted(known))}.")
    if STEP_BY_TEXT.search(QUOTED.sub("''", expression)):
        raise ExpressionError(f"{expression!r} speaks of steps by [ ]: write steps.KEY, so that it is known which it needs.")
    _require_end(expression)
    # Operators have names such as _&&_.
    if functions := {name for name in program.functions() if name.isidentifier()} - FUNCTIONS:
        raise ExpressionError(f"{expression!r} calls {', '.join(sorted(functions))}: there are {', '.join(sorted(FUNCTIONS))}.")


def check_text(text: str, *, with_item: bool = False) -> None:
    """Check every expression in a text. Raises ExpressionError."""
    for expression in expressions(text):
        check(expression, with_item=with_item)
    if any(brace in part for part, is_expression in _parts(text) if not is_expression for brace in (OPENING, CLOSING)):
        raise ExpressionError("A {{ or }} stands alone: an expression stands between both.")


def expressions(text: str) -> Iterator[str]:
    """The expressions in a text."""
    return (part for part, is_expression in _parts(text) if is_expression)


def steps_in(expression: str) -> set[str]:
    """The keys of the steps that an expression speaks of."""
    return set(STEP.findall(QUOTED.sub("''", expression)))


def inputs_in(expression: str) -> set[str]:
    """The fields of the input that an expression speaks of."""
    return set(INPUT.findall(QUOTED.sub("''", expression)))


def evaluate(expression: str, context: Context) -> Any:
    """Its value. Raises ExpressionError where it has none."""
    program = _compiled(expression)
    try:
        # Only what it speaks of: each value handed over is converted, and an input may be a list of 100,000 items.
        return program.execute({name: context[name] for name in program.variables() if name in context})
    except KeyError as error:
        raise ExpressionError(f"{expression!r} has no value: there is no {error.args[0]}.") from error
    except (LookupError, ValueError, TypeError, RuntimeError, ArithmeticError) as error:
        raise ExpressionError(f"{expression!r} has no value: {error}") from error


def holds(expression: str, context: Context) -> bool:
    """Whether a condition holds. Raises ExpressionError where it has no value, or one that is not true or false."""
    value = evaluate(expression, context)
    if not isinstance(value, bool):
        raise ExpressionError(f"{expression!r} is {value!r}: a condition is true or false, such as input.amount > 100.")
    return value


def render(text: str, context: Context) -> Any:
    """A text with its expressions replaced; the value itself of a text that is one expression. Raises ExpressionError."""
    match list(_parts(text.strip())):
        case [(expression, True)]:
            return evaluate(expression, context)
    return "".join(_as_text(evaluate(part, context)) if is_expression else part for part, is_expression in _parts(text))


def render_all(value: Any, context: Context) -> Any:
    """A JSON value with the expressions in all its texts replaced. Raises ExpressionError."""
    match value:
        case str():
            return render(value, context)
        case list():
            return [render_all(each, context) for each in value]
        case dict():
            return {key: render_all(each, context) for key, each in value.items()}
    return value


def texts_of(value: Any) -> Iterator[str]:
    """Every text in a JSON value."""
    match value:
        case str():
            yield value
        case list():
            for each in value:
                yield from texts_of(each)
        case dict():
            for each in value.values():
                yield from texts_of(each)


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """The parts of a text in their order, and whether each is an expression; read once, however many braces there are."""
    end = 0
    while (start := text.find(OPENING, end)) >= 0 and (closing := text.find(CLOSING, start + 2)) >= 0:
        if start > end:
            yield text[end:start], False
        yield text[start + 2 : closing].strip(), True
        end = closing + 2
    if end < len(text):
        yield text[end:], False


def _require_end(expression: str) -> None:
    """Raises ExpressionError for what takes too long or grows too much with its lists: nothing else runs meanwhile."""
    plain = QUOTED.sub("''", expression)
    loops = [_in_brackets(plain, found.end()) for found in LOCAL.finditer(plain)]
    if len(loops) > MAX_LOOPS or any(LOCAL.search(loop) for loop in loops):
        raise ExpressionError(f"{expression!r} goes through lists in lists, or more than {MAX_LOOPS} times: use a code step.")
    if any(loop.count("+") > MAX_JOINED for loop in loops):
        raise ExpressionError(f"{expression!r} adds more than {MAX_JOINED} times for each element of a list: use a code step.")


def _in_brackets(text: str, start: int) -> str:
    """What stands from there to the bracket that closes it."""
    depth = 1
    for place, letter in enumerate(text[start:], start=start):
        depth += (letter == "(") - (letter == ")")
        if not depth:
            return text[start:place]
    return text[start:]


@lru_cache(maxsize=1_000)
def _compiled(expression: str) -> cel.Program:
    if len(expression) > MAX_LENGTH:
        raise ExpressionError(f"An expression has at most {MAX_LENGTH:,} characters: this one has {len(expression):,}.")
    if not expression.strip():
        raise ExpressionError("An expression is empty: write one, such as input.amount > 100.")
    try:
        return cel.compile(expression)
    except ValueError as error:
        reason = str(error).rpartition("ERROR: ")[2].partition("\n")[0]
        raise ExpressionError(f"{expression!r} is no expression: {reason}") from error


def _as_text(value: Any) -> str:
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return str(value).lower()
        case datetime():
            return value.isoformat()
        case list() | dict():
            return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
