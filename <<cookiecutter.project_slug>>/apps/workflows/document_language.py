"""What may stand between the braces of a document: Jinja, https://jinja.palletsprojects.com, as far as it can only show values.

Whoever may upload a template may not run code with it, nor have a worker write or compute for hours: nothing can be called or
set, only numbers are computed with, and what a document takes is counted. Filters and tests: document_filters.py.
"""

import re
from collections.abc import Iterable, Iterator, Sized
from typing import Any

from jinja2 import StrictUndefined, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.sandbox import SandboxedEnvironment

from apps.workflows.document_filters import FILTERS, TESTS, TEXT_A_STEP, weight

# Of one document: places to fill, characters between their braces, characters of XML that come out, and steps: about a
# millionth of a second each, one for everything that a round of a loop does.
MAX_BRACES, MAX_BRACED, MAX_TEXT, MAX_STEPS = 1_000, 50_000, 20_000_000, 10_000_000
TOO_MANY = f"a document has at most {MAX_BRACES:,} places to fill, with {MAX_BRACED:,} characters in all of their braces"
MAX_LOOPS = 2
# Of a whole number: more than a decimal one can have.
MAX_BITS = 1_100
ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem, nodes.Slice,
    nodes.For, nodes.If, nodes.CondExpr, nodes.Test, nodes.Filter, nodes.Keyword, nodes.Compare, nodes.Operand, nodes.And,
    nodes.Or, nodes.Not, nodes.Neg, nodes.Add, nodes.Sub, nodes.Mul, nodes.Div,
)  # fmt: skip
OPENED, CLOSING = re.compile(r"\{[{%#]"), {"{{": "}}", "{%": "%}", "{#": "#}"}
# Filters that parse puts in. No template can write a name with a space.
LOOPED, COMPARED, CUT = "a loop", "a comparison", "a slice"
# XML has no such character, not even escaped.
UNPRINTABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class DocumentEnvironment(SandboxedEnvironment):
    """Jinja that shows values, for one document. It raises TemplateError for whatever else a template wants, and for too much."""

    intercepted_binops = frozenset({"+", "-", "*", "/"})

    def __init__(self, *, autoescape: bool) -> None:
        super().__init__(autoescape=autoescape, undefined=StrictUndefined, finalize=_shown)
        self.globals.clear()
        self.filters = {**FILTERS, LOOPED: _looped, COMPARED: _compared, CUT: _cut}
        self.tests = dict(TESTS)
        self._braces = self._braced = self._steps = self._characters = 0

    def spend(self, steps: int) -> None:
        """Count what is about to be done. Raises SecurityError for a document that takes too much."""
        self._steps += steps
        if self._steps > MAX_STEPS:
            raise SecurityError(f"the document takes more than {MAX_STEPS:,} steps: it repeats too much, or compares too much")

    def concat(self, pieces: Iterable[str]) -> str:
        """The whole text. Raises SecurityError for one without end."""
        kept = []
        for piece in pieces:
            kept.append(piece)
            self._characters += len(piece)
            if self._characters > MAX_TEXT:
                raise SecurityError(f"the document gets longer than {MAX_TEXT:,} characters")
        return "".join(kept)

    def parse(self, source: str, name: str | None = None, filename: str | None = None) -> nodes.Template:
        """Raises TemplateError for what means nothing, and SecurityError for what no document needs."""
        self._count(source)
        try:
            parsed = super().parse(source, name, filename)
            _refuse_others(parsed)
            _have_counted(parsed)
        except RecursionError as error:
            raise SecurityError("what stands between two braces is nested too deep") from error
        parsed.set_environment(self)
        return parsed

    def from_string(self, source: Any, *more: Any, **options: Any) -> Any:
        """A template. Raises as parse does."""
        try:
            return super().from_string(self.parse(source), *more, **options)
        # Of Python's own compiler.
        except (RecursionError, MemoryError, SyntaxError) as error:
            raise SecurityError("what stands between two braces is nested too deep") from error

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Compute with numbers. Raises SecurityError for others: a text times a million fills the memory."""
        if not all(isinstance(each, int | float) for each in (left, right)):
            raise SecurityError(f"{operator} stands between numbers alone")
        if any(isinstance(each, int) and each.bit_length() > MAX_BITS for each in (left, right)):
            raise SecurityError(f"{operator} stands between numbers of at most {MAX_BITS:,} bits")
        try:
            return super().call_binop(context, operator, left, right)
        except ArithmeticError as error:
            raise SecurityError(f"{left} {operator} {right} has no value") from error

    def _count(self, source: str) -> None:
        for start, end in places(source):
            self._braces += 1
            self._braced += end - start
        if self._braces > MAX_BRACES or self._braced > MAX_BRACED:
            raise SecurityError(TOO_MANY)


def places(text: str) -> Iterator[tuple[int, int]]:
    """Where what stands in braces starts and ends. The last one may have no end: then it is that of the text."""
    end = 0
    while found := OPENED.search(text, end):
        closed = text.find(CLOSING[found.group()], found.end())
        end = len(text) if closed < 0 else closed + 2
        yield found.start(), end


def _refuse_others(node: nodes.Node, loops: int = 0) -> None:
    if not isinstance(node, ALLOWED):
        raise SecurityError(f"a document cannot use {type(node).__name__.lower()}: it shows values, with if and for")
    loops += isinstance(node, nodes.For)
    if loops > MAX_LOOPS:
        raise SecurityError(f"loops stand {MAX_LOOPS} deep at most")
    for child in node.iter_child_nodes():
        _refuse_others(child, loops)


def _have_counted(parsed: nodes.Template) -> None:
    """Put filters where something takes as long as its value is: an empty loop writes nothing that could be counted."""
    for loop in parsed.find_all(nodes.For):
        steps_a_round = sum(1 for _ in loop.find_all(nodes.Node))
        loop.iter = _filtered(loop.iter, LOOPED, nodes.Const(steps_a_round))
    for compared in parsed.find_all(nodes.Compare):
        compared.expr = _filtered(compared.expr, COMPARED)
        for operand in compared.ops:
            operand.expr = _filtered(operand.expr, COMPARED)
    for got in parsed.find_all(nodes.Getitem):
        if isinstance(got.arg, nodes.Slice):
            got.node = _filtered(got.node, CUT)


def _filtered(value: Any, name: str, *arguments: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(value, name, list(arguments), [], None, None, lineno=value.lineno)


@pass_context
def _looped(context: Any, value: Any, steps_a_round: int) -> Any:
    items = value if isinstance(value, Sized) else list(value)
    context.environment.spend(len(items) * steps_a_round)
    return items


@pass_context
def _compared(context: Any, value: Any) -> Any:
    context.environment.spend(weight(value))
    return value


@pass_context
def _cut(context: Any, value: Any) -> Any:
    context.environment.spend(len(value) // TEXT_A_STEP if isinstance(value, Sized) else 1)
    return value


def _shown(value: Any) -> Any:
    if value is None:
        return ""
    return UNPRINTABLE.sub("", value) if isinstance(value, str) else value
