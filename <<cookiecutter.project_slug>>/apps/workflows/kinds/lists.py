"""A kind that does something with each item of a list, and where lists come from.

A project names a source of items by a function in the steps.py of any app; it may yield them one by one, however many:

@item_source("active-users")
def active_users(arguments: Mapping[str, Any]) -> Iterator[Any]:
    for user in User.objects.filter(is_active=True).iterator():
        yield {"id": user.pk, "email": user.email}
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar

from django.core.exceptions import ImproperlyConfigured, ValidationError
from pydantic import Field

from apps.workflows.kinds import base
from apps.workflows.kinds.base import Expression, Kind, KindConfig, StepContext, StepError, Values, register
from apps.workflows.shared import Flow

type ItemSource = Callable[[Mapping[str, Any]], Iterable[Any]]
_sources: dict[str, ItemSource] = {}
# The kind that can be done with items though it is more than an activity.
ALONE = "run-workflow"


def item_source[T: ItemSource](name: str) -> Callable[[T], T]:
    """Make a source of items known by a name. Raises ImproperlyConfigured for one that is taken."""

    def known(source: T) -> T:
        if name in _sources and _sources[name].__qualname__ != source.__qualname__:
            raise ImproperlyConfigured(f"There are two sources of items named {name!r}: rename one.")
        _sources[name] = source
        return source

    return known


class Inner(KindConfig):
    """What is done with each item: another kind, whose expressions know `item` and `index` beside the others."""

    kind: str
    config: dict[str, Any] = {}


@register
class ForEachKind(Kind):
    """Do something with each item of a list, however long it is. What fails is listed, and the others go on."""

    name = "for-each"
    title = "For each item"
    family = "Flow"
    flow: ClassVar[Flow] = "each"
    # An item takes at most so long.
    timeout = timedelta(minutes=1)

    class Config(KindConfig):
        """`items` is an expression that gives a list; or `source` names where the project takes items from.

        `allowed_failures` is a number or a percentage, such as 5 %: with more the step fails once all items were tried.
        """

        items: Expression = ""
        source: str = ""
        arguments: Values = {}
        do: Annotated[Inner, Field(json_schema_extra={"format": "step"})]
        allowed_failures: Annotated[str, Field(pattern=r"^[0-9]{1,7}$|^[0-9]{1,3} ?%$")] = "0"
        at_once: Annotated[int, Field(ge=1, le=100)] = 4

    def read(self, config: Mapping[str, Any], *, with_item: bool = False) -> Any:
        """As every kind does; what is done with an item is read by its own kind."""
        wanted = super().read(config)
        for kind, given in self.inner(wanted):
            try:
                kind.read(given, with_item=True)
            except ValidationError as error:
                raise ValidationError({f"do.{field}": texts for field, texts in error.message_dict.items()}) from error
        return wanted

    def check(self, config: Config) -> Iterator[str]:
        """Exactly one list, and something that can be done with an item."""
        if bool(config.items) == bool(config.source):
            yield "Say either which list it is, or which source."
        if config.source and config.source not in _sources:
            yield f"There is no source of items {config.source!r}: {_choice(_sources)}"
        able = [name for name, kind in base.kinds().items() if kind.flow == "activity" and not kind.is_trigger]
        if config.do.kind not in [*able, ALONE]:
            yield f"It cannot do {config.do.kind!r} with each item: {_choice([*able, ALONE])}"
        elif config.do.kind == ALONE and config.do.config.get("wait", True):
            yield "The workflows that it runs are not waited for: set wait to false."

    def inner(self, config: Config) -> Iterator[tuple[Kind, Mapping[str, Any]]]:
        """What is done with each item."""
        yield base.find(config.do.kind), config.do.config

    def run(self, config: Config, step: StepContext) -> Iterable[Any]:
        """The items."""
        if config.source:
            return _sources[config.source](config.arguments)
        if not isinstance(config.items, list):
            raise StepError(f"{config.items!r} is no list")
        return config.items


def allowed(config: ForEachKind.Config, total: int) -> int:
    """How many of so many items may fail."""
    figure = config.allowed_failures
    return total * int(figure.rstrip("% ")) // 100 if figure.endswith("%") else int(figure)


def _choice(names: Iterable[str]) -> str:
    return f"choose {', '.join(sorted(names))}." if names else "there is none."
