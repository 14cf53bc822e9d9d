"""A kind that runs a function of the project. One is made known in the steps.py of any app:

@code_step
def score_company(company: str, turnover: int = 0) -> dict[str, int]:
    \"""How much we trust a company.\"""
    return {"score": score(company, turnover)}

Its arguments are read as their types say. One that has an effect takes `step` too, whose key is the same at every repetition,
until effects are wanted again.
"""

import inspect
from collections.abc import Callable, Iterator
from typing import Annotated, Any

from django.core.exceptions import ImproperlyConfigured
from pydantic import ConfigDict, Field, ValidationError, validate_call

from apps.workflows.kinds.base import Kind, KindConfig, StepContext, StepError, Values, register

STEP = "step"
_functions: dict[str, Callable[..., Any]] = {}


def code_step[T: Callable[..., Any]](function: T) -> T:
    """Make a function one that steps may run, under its own name. Raises ImproperlyConfigured for a name that is taken."""
    name = function.__name__
    if name in _functions and _functions[name].__module__ != function.__module__:
        raise ImproperlyConfigured(f"There are two code steps named {name!r}: rename one.")
    _functions[name] = function
    return function


def _choices(schema: dict[str, Any]) -> None:
    schema["enum"] = sorted(_functions)


@register
class CodeKind(Kind):
    """Run a function of the project."""

    name = "code"
    title = "Code"
    family = "Code"

    class Config(KindConfig):
        """`function` is its name; `arguments` are what it is given, by their names."""

        function: Annotated[str, Field(json_schema_extra=_choices)]
        arguments: Values = {}

    def check(self, config: Config) -> Iterator[str]:
        """The function must be there, and take those arguments."""
        function = _functions.get(config.function)
        if function is None:
            known = f"choose {', '.join(sorted(_functions))}." if _functions else "there is none."
            yield f"There is no code step {config.function!r}: {known}"
            return
        try:
            inspect.signature(function).bind(**config.arguments, **_step(function, None))
        except TypeError as error:
            yield f"{config.function} cannot be called so: {error}."

    def run(self, config: Config, step: StepContext) -> Any:
        """Run it. What it raises is tried again, unless it is a StepError; arguments of other types are final."""
        function = _functions.get(config.function)
        if function is None:
            raise StepError(f"there is no code step {config.function!r} any more")
        checked = validate_call(config=ConfigDict(arbitrary_types_allowed=True))(function)
        try:
            return checked(**config.arguments, **_step(function, step))
        except ValidationError as error:
            if error.title != function.__qualname__:
                raise
            wrong = error.errors(include_url=False, include_input=False)[0]
            raise StepError(f"{config.function} was given another {wrong['loc'][0]} than it takes: {wrong['msg']}") from error


def _step(function: Callable[..., Any], step: StepContext | None) -> dict[str, Any]:
    return {STEP: step} if STEP in inspect.signature(function).parameters else {}
