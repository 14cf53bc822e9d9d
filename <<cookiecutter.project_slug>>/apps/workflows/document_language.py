"""What may stand between the braces of a document: Jinja, https://jinja.palletsprojects.com, as far as it can only show values.

Whoever may upload a template may not run code with it, nor have a worker write for hours: nothing can be called or set, only
numbers are computed with, and what comes out has an end.
"""

import re
from collections.abc import Iterable
from typing import Any

from django.utils import dateformat
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.formats import number_format
from jinja2 import StrictUndefined, nodes
from jinja2.exceptions import SecurityError, TemplateError
from jinja2.sandbox import SandboxedEnvironment

# In characters of the file's XML.
MAX_TEXT = 20_000_000
MAX_LOOPS = 2
MAX_PLACES = 10
FILTERS = ("capitalize", "default", "first", "last", "length", "lower", "round", "sort", "sum", "title", "trim", "upper")
ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem, nodes.Slice,
    nodes.For, nodes.If, nodes.CondExpr, nodes.Test, nodes.Filter, nodes.Keyword, nodes.Compare, nodes.Operand, nodes.And,
    nodes.Or, nodes.Not, nodes.Neg, nodes.Add, nodes.Sub, nodes.Mul, nodes.Div,
)  # fmt: skip
# XML has no such character, not even escaped.
UNPRINTABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class DocumentEnvironment(SandboxedEnvironment):
    """Jinja that shows values. It raises TemplateError for whatever else a template wants."""

    intercepted_binops = frozenset({"+", "-", "*", "/"})

    def __init__(self, *, autoescape: bool) -> None:
        super().__init__(autoescape=autoescape, undefined=StrictUndefined, finalize=_shown)
        self.globals.clear()
        self.filters = {name: self.filters[name] for name in FILTERS} | {"date": _date, "number": _number}

    @staticmethod
    def concat(pieces: Iterable[str]) -> str:
        """The whole text. Raises SecurityError for one without end."""
        kept, left = [], MAX_TEXT
        for piece in pieces:
            kept.append(piece)
            left -= len(piece)
            if left < 0:
                raise SecurityError(f"the document gets longer than {MAX_TEXT:,} characters")
        return "".join(kept)

    def parse(self, source: str, name: str | None = None, filename: str | None = None) -> nodes.Template:
        """Raises TemplateError for what means nothing, and SecurityError for what no document needs."""
        parsed = super().parse(source, name, filename)
        _refuse_others(parsed)
        return parsed

    def from_string(self, source: Any, *more: Any, **options: Any) -> Any:
        """A template. Raises as parse does."""
        self.parse(source)
        return super().from_string(source, *more, **options)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Compute with numbers. Raises SecurityError for others: a text times a million fills the memory."""
        if not all(isinstance(each, int | float) for each in (left, right)):
            raise SecurityError(f"{operator} stands between numbers alone")
        try:
            return super().call_binop(context, operator, left, right)
        except ArithmeticError as error:
            raise SecurityError(f"{left} {operator} {right} has no value") from error


def _refuse_others(node: nodes.Node, loops: int = 0) -> None:
    if not isinstance(node, ALLOWED):
        raise SecurityError(f"a document cannot use {type(node).__name__.lower()}: it shows values, with if and for")
    loops += isinstance(node, nodes.For)
    if loops > MAX_LOOPS:
        raise SecurityError(f"loops stand {MAX_LOOPS} deep at most")
    for child in node.iter_child_nodes():
        _refuse_others(child, loops)


def _shown(value: Any) -> Any:
    if value is None:
        return ""
    return UNPRINTABLE.sub("", value) if isinstance(value, str) else value


def _date(value: Any, form: str = "j F Y") -> str:
    try:
        moment: Any = (parse_datetime(value) or parse_date(value)) if isinstance(value, str) else value
        return dateformat.format(moment, form)
    except (ValueError, TypeError, AttributeError) as error:
        raise TemplateError(f"date shows a date such as 2026-01-31, and {value!r} as {form!r} is none") from error


def _number(value: Any, places: int = 2) -> str:
    if not isinstance(value, int | float):
        raise TemplateError(f"number shows a number, and {value!r} is none")
    return str(number_format(value, min(places, MAX_PLACES), force_grouping=True))
