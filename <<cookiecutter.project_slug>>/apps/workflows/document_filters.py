"""Filters and tests of documents: those of Jinja's own that have an end, and some more. The language: document_language.py."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils import dateformat
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.formats import number_format
from jinja2 import filters, pass_context, tests
from jinja2.exceptions import SecurityError, TemplateError

MAX_PLACES = 10
# In characters: of the form of a date, of what trim takes away.
MAX_ARGUMENT = 100
# In so many characters of a text a step is counted.
TEXT_A_STEP = 10
AT_ONCE = (
    "boolean",
    "defined",
    "false",
    "float",
    "integer",
    "iterable",
    "mapping",
    "none",
    "number",
    "sequence",
    "string",
    "true",
)
COMPARING = ("eq", "equalto", "ge", "greaterthan", "gt", "in", "le", "lessthan", "lower", "lt", "ne", "upper")


def weight(value: Any) -> int:
    """How many steps it takes to go through a value and all that is in it."""
    steps, left = 0, [value]
    while left:
        each = left.pop()
        steps += 1
        if isinstance(each, str):
            steps += len(each) // TEXT_A_STEP
        elif isinstance(each, Mapping):
            left.extend(each.values())
        elif isinstance(each, list | tuple):
            left.extend(each)
    return steps


def _counted(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter or a test that goes through what it is given.

    Jinja asks others of constants already when a template is uploaded. One that wants the context is asked when it is filled.
    """

    @pass_context
    def counted(context: Any, *values: Any) -> Any:
        context.environment.spend(sum(map(weight, values)))
        return function(*values)

    return counted


def _of_numbers(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Of a text, % would make another one, as long as it says."""

    def asked(*values: Any) -> Any:
        _require_numbers(name, *values)
        return function(*values)

    return asked


@pass_context
def _trim(context: Any, value: Any, characters: str | None = None) -> str:
    _require_short("trim", characters)
    context.environment.spend(weight(value))
    return filters.do_trim(value, characters)


@pass_context
def _sort(context: Any, value: Any, reverse: Any = False, case_sensitive: Any = False, attribute: Any = None) -> list[Any]:
    _spend_on_each(context, value, attribute)
    return filters.do_sort(context.environment, value, reverse, case_sensitive, attribute)


@pass_context
def _sum(context: Any, value: Any, attribute: Any = None, start: Any = 0) -> Any:
    _spend_on_each(context, value, attribute)
    numbers = list(value if attribute is None else map(filters.make_attrgetter(context.environment, attribute), value))
    # Lists would be copied for each that is added.
    _require_numbers("sum", start, *numbers)
    return sum(numbers, start)


def _round(value: Any, places: int = 0, method: Any = "common") -> Any:
    _require_numbers("round", value, places)
    return filters.do_round(value, max(-MAX_PLACES, min(places, MAX_PLACES)), method)


def _date(value: Any, form: str = "j F Y") -> str:
    _require_short("date", form)
    try:
        moment: Any = (parse_datetime(value) or parse_date(value)) if isinstance(value, str) else value
        return dateformat.format(moment, form)
    except (ValueError, TypeError, AttributeError) as error:
        raise TemplateError(f"date shows a date such as 2026-01-31, and {value!r} as {form!r} is none") from error


def _number(value: Any, places: int = 2) -> str:
    _require_numbers("number", value, places)
    return str(number_format(value, max(0, min(places, MAX_PLACES)), force_grouping=True))


def _spend_on_each(context: Any, value: Any, attribute: Any) -> None:
    """For each of a list, each of the names is looked up that stand in a text such as a.b,c: more than one step."""
    _require_short("an attribute", attribute)
    context.environment.spend(weight(value) * 3 * (1 + str(attribute).count(".") + str(attribute).count(",")))


def _require_numbers(name: str, *values: Any) -> None:
    for value in values:
        if not isinstance(value, int | float):
            raise TemplateError(f"{name} is for numbers, and {value!r} is none")


def _require_short(name: str, argument: Any) -> None:
    if isinstance(argument, str) and len(argument) > MAX_ARGUMENT:
        raise SecurityError(f"{name} takes at most {MAX_ARGUMENT} characters")


FILTERS: Mapping[str, Callable[..., Any]] = {
    "capitalize": _counted(filters.do_capitalize),
    "date": _date,
    "default": filters.do_default,
    "first": filters.do_first,
    "last": filters.do_last,
    "length": len,
    "lower": _counted(filters.do_lower),
    "number": _number,
    "round": _round,
    "sort": _sort,
    "sum": _sum,
    "title": _counted(filters.do_title),
    "trim": _trim,
    "upper": _counted(filters.do_upper),
}
_of_jinja: Mapping[str, Any] = tests.TESTS
TESTS: Mapping[str, Callable[..., Any]] = {
    **{name: _of_jinja[name] for name in AT_ONCE},
    **{name: _counted(_of_jinja[name]) for name in COMPARING},
    **{name: _of_numbers(_of_jinja[name], name) for name in ("divisibleby", "even", "odd")},
    "undefined": _of_jinja["undefined"],
}
