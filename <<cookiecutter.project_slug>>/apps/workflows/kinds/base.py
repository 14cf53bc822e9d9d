"""Kinds of steps. A project adds one by a class in the steps.py of any app:

@register
class AskTheOracle(Kind):
    \"""Ask the oracle a question.\"""

    name = "oracle"

    class Config(KindConfig):
        question: Text

    def run(self, config: Config, step: StepContext) -> dict[str, str]:
        return {"answer": oracle(config.question)}
"""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Annotated, Any, ClassVar, get_args

from django.core.exceptions import ImproperlyConfigured, ValidationError
from pydantic import BaseModel, ConfigDict, Field
from pydantic import ValidationError as InvalidConfig

from apps.temporal import registry
from apps.workflows import expressions
from apps.workflows.expressions import ExpressionError
from apps.workflows.shared import Flow
from config.parsing import problems_by_field

TEMPLATE, EXPRESSION = "template", "expression"
# A text that may have expressions in it.
Text = Annotated[str, Field(json_schema_extra={"format": TEMPLATE})]
LongText = Annotated[str, Field(json_schema_extra={"format": TEMPLATE, "rows": 8})]
Texts = Annotated[list[str], Field(json_schema_extra={"format": TEMPLATE})]
# A CEL expression: its value is what the kind gets.
Expression = Annotated[str, Field(json_schema_extra={"format": EXPRESSION})]
# Any JSON value; texts in it may have expressions in them.
Values = Annotated[dict[str, Any], Field(json_schema_extra={"format": TEMPLATE})]
Value = Annotated[Any, Field(json_schema_extra={"format": TEMPLATE})]


class KindConfig(BaseModel):
    """What a step of a kind is told. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True, kw_only=True)
class StepContext:
    """What a step knows when it runs. `key` is the same at every repetition, so that an effect that has it happens once:
    until effects are wanted again.

    `context` is what expressions see; `execution_id` is the execution's row.
    """

    execution_id: str
    step: str
    key: str
    context: Mapping[str, Any]
    attempt: int = 1
    index: int | None = None


class StepError(Exception):
    """The step will never succeed with this configuration and this input: it is not tried again."""


class Kind:
    """A kind of step. `family` is where the editor lists it; `has_effect` whether doing it again must not happen by itself.

    `flow` is how the interpreter goes about it; `timeout`, `attempts` and `first_retry` hold where a step says nothing else.
    """

    name: ClassVar[str]
    title: ClassVar[str] = ""
    family: ClassVar[str] = "Code"
    flow: ClassVar[Flow] = "activity"
    has_effect: ClassVar[bool] = True
    is_trigger: ClassVar[bool] = False
    timeout: ClassVar[timedelta] = timedelta(minutes=5)
    attempts: ClassVar[int] = 5
    first_retry: ClassVar[timedelta] = timedelta(seconds=1)

    class Config(KindConfig):
        """Nothing to be said."""

    def run(self, config: Any, step: StepContext) -> Any:
        """Do it, and give what later steps may use, as JSON. Raises StepError for what no repetition cures."""
        raise NotImplementedError

    def output(self, asked_id: str) -> Any:
        """What later steps may use of what people answered, for the flow "people": at least its id, kind and status."""
        raise NotImplementedError

    def check(self, config: Any) -> Iterator[str]:
        """What else is wrong with a configuration, in sentences, when it is saved."""
        yield from ()

    def inner(self, config: Any) -> "Iterator[tuple[Kind, Mapping[str, Any]]]":
        """The kinds with their configurations that stand inside a configuration, such as what is done with each item."""
        yield from ()

    @property
    def shown(self) -> str:
        """What people call it."""
        return self.title or self.name.replace("-", " ").replace("_", " ").capitalize()

    @property
    def description(self) -> str:
        """What it does, in a sentence."""
        return (inspect.getdoc(type(self)) or "").partition("\n")[0]

    def read(self, config: Mapping[str, Any], *, with_item: bool = False) -> Any:
        """The configuration as this kind understands it. Raises ValidationError by field name."""
        try:
            wanted = self.Config.model_validate(dict(config))
        except InvalidConfig as error:
            raise ValidationError(problems_by_field(error, otherwise="config")) from error
        wrong: dict[str, list[str]] = {}
        for field, form, value in self.filled_fields(wanted):
            try:
                for text in expressions.texts_of(value):
                    (expressions.check if form == EXPRESSION else expressions.check_text)(text, with_item=with_item)
            except ExpressionError as error:
                wrong.setdefault(field, []).append(str(error))
        if wrong:
            raise ValidationError(wrong)
        if problems := list(self.check(wanted)):
            raise ValidationError({"config": problems})
        return wanted

    def rendered(self, config: Mapping[str, Any], context: Mapping[str, Any]) -> Any:
        """The configuration with its expressions replaced by their values. Raises StepError."""
        wanted = self.Config.model_validate(dict(config))
        try:
            values = {
                field: expressions.evaluate(value, context) if form == EXPRESSION else expressions.render_all(value, context)
                for field, form, value in self.filled_fields(wanted)
            }
        except ExpressionError as error:
            raise StepError(str(error)) from error
        return wanted.model_copy(update=values)

    def filled_fields(self, config: BaseModel) -> Iterator[tuple[str, str, Any]]:
        """The fields that have expressions in them: name, template or expression, value. Empty ones are left out."""
        for name, field in type(config).model_fields.items():
            extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
            form, value = str(extra.get("format", "")), getattr(config, name)
            if form in {TEMPLATE, EXPRESSION} and value not in (None, ""):
                yield name, form, value


_registered: dict[str, Kind] = {}


def register[T: type[Kind]](kind: T) -> T:
    """Make a kind known. Raises ImproperlyConfigured for a name that is taken or a flow that there is not."""
    if (known := _registered.get(kind.name)) and type(known).__qualname__ != kind.__qualname__:
        raise ImproperlyConfigured(f"There are two kinds of steps named {kind.name!r}: rename one.")
    if kind.flow not in get_args(Flow):
        raise ImproperlyConfigured(f"The kind {kind.name!r} has no flow {kind.flow!r}: choose {', '.join(get_args(Flow))}.")
    _registered[kind.name] = kind()
    return kind


@cache
def kinds() -> dict[str, Kind]:
    """Every kind by its name: those of the steps.py of each app."""
    registry.modules("steps")
    return dict(sorted(_registered.items()))


def find(name: str) -> Kind:
    """The kind of that name. Raises ValidationError that names those that there are."""
    if name not in kinds():
        raise ValidationError({"kind": f"There is no kind of step {name!r}: choose {', '.join(kinds())}."})
    return kinds()[name]
