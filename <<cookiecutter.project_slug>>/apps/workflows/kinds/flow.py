"""Kinds that say which way to go and when: the entry, a condition, a wait."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, ClassVar

from apps.workflows.kinds.base import Expression, Kind, KindConfig, StepContext, Values, register
from apps.workflows.shared import Flow


@register
class TriggerKind(Kind):
    """Take what started the workflow, and give the values that later steps need of it."""

    name = "trigger"
    title = "Start"
    family = "Flow"
    has_effect = False
    is_trigger = True
    timeout = timedelta(seconds=30)

    class Config(KindConfig):
        """`values` are what later steps find under steps.KEY.output; the whole input where it is empty."""

        values: Values = {}

    def run(self, config: Config, step: StepContext) -> Any:
        """Give the values."""
        return config.values or dict(step.context["input"])


@register
class ConditionKind(Kind):
    """Choose what follows by the conditions of its connections, and do nothing else."""

    name = "condition"
    family = "Flow"
    flow: ClassVar[Flow] = "route"
    has_effect = False


@register
class WaitKind(Kind):
    """Wait for a time: so long, or until a moment."""

    name = "wait"
    family = "Flow"
    flow: ClassVar[Flow] = "wait"
    has_effect = False

    class Config(KindConfig):
        """One of both. `hours` may be a fraction; `until` an expression that gives a time, such as timestamp(input.due)."""

        hours: float | None = None
        until: Expression = ""

    def check(self, config: Config) -> Iterator[str]:
        """Exactly one."""
        if (config.hours is None) == (not config.until):
            yield "Say either for how many hours it waits or until when."
        if config.hours is not None and not 0 < config.hours <= 24 * 366 * 2:
            yield "It waits for more than no time, and for two years at most."

    def run(self, config: Config, step: StepContext) -> Any:
        """A duration or a moment."""
        return timedelta(hours=config.hours) if config.hours is not None else config.until


@register
class ValuesKind(Kind):
    """Compute values that later steps use."""

    name = "values"
    family = "Flow"
    has_effect = False

    class Config(KindConfig):
        """`values` are what later steps find under steps.KEY.output."""

        values: Values

    def run(self, config: Config, step: StepContext) -> Any:
        """Give them."""
        return config.values
