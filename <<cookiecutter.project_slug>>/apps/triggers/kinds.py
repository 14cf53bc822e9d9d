"""Kinds of triggers, all with one interface: what they are told, and what starts.

By hand and by the API a workflow starts without a trigger: IN_ANY_CASE names both for those who list them.
"""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.utils import timezone
from pydantic import BaseModel, ConfigDict, Field
from pydantic import ValidationError as InvalidConfig

from apps.executions.models import Execution
from apps.schedules.services import calendar
from apps.workflows import expressions
from apps.workflows.expressions import ExpressionError
from apps.workflows.kinds.base import Values
from config.parsing import problems_by_field

IN_ANY_CASE: Mapping[str, str] = {
    "manual": "By hand: with the button on the workflow's page.",
    "api": "By a program: POST /api/v1/workflows/ID/execute, with a token.",
}
MAX_CRONS = 10
Minutes = Annotated[int, Field(ge=1, le=366 * 24 * 60)]


class TriggerConfig(BaseModel):
    """`input` makes the workflow's input of what the trigger brings: {"amount": "{{ trigger.data.total }}"}.

    Where it is empty, the input gets those fields of it that the workflow's input schema names, or all where that names none.
    """

    model_config = ConfigDict(extra="forbid")

    input: Values = {}


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What a trigger brings. The same `event_id` is the same delivery; `data` reaches every step as trigger.data."""

    event_id: str
    data: Any = None
    source_object_type: str = ""
    source_object_id: str = ""


class TriggerKind:
    """A kind of trigger. `recorded` is what its executions say started them.

    `has_times` says that Temporal fires it, `has_token` that it has a link or an address of its own, `signs` in which form
    what it takes is signed.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    recorded: ClassVar[str]
    has_times: ClassVar[bool] = False
    has_token: ClassVar[bool] = False
    signs: ClassVar[str] = ""

    class Config(TriggerConfig):
        """As every trigger's."""

    @property
    def description(self) -> str:
        """What it does, in a sentence."""
        return (inspect.getdoc(type(self)) or "").partition("\n")[0]

    def check(self, config: Any) -> Iterator[tuple[str, str]]:
        """What else is wrong with a configuration, as field and sentence."""
        yield from ()

    def read(self, config: Mapping[str, Any]) -> Any:
        """The configuration as this kind understands it. Raises ValidationError by field name."""
        try:
            wanted = self.Config.model_validate(dict(config))
        except InvalidConfig as error:
            raise ValidationError(problems_by_field(error, otherwise="config")) from error
        if problems := [*_input_problems(wanted), *self.check(wanted)]:
            raise ValidationError({field: [text for name, text in problems if name == field] for field, _ in problems})
        return wanted


class Cron(TriggerKind):
    """Start at set times, such as every weekday at nine."""

    name, title, recorded, has_times = "cron", "At set times", Execution.Trigger.SCHEDULE, True

    class Config(TriggerConfig):
        """`cron` are expressions of five fields. `catch_up_minutes` says how late a start may be when the server was away."""

        cron: Annotated[list[str], Field(min_length=1, max_length=MAX_CRONS)]
        time_zone: str = "UTC"
        catch_up_minutes: Minutes = 60

    def check(self, config: Config) -> Iterator[tuple[str, str]]:
        """Expressions and a zone that there are."""
        for text in config.cron:
            try:
                calendar(text)
            except ValueError as error:
                yield "cron", str(error)
        try:
            ZoneInfo(config.time_zone)
        except (ValueError, KeyError, OSError):
            yield "time_zone", f"There is no time zone {config.time_zone!r}: write one such as Europe/Berlin."


class Interval(TriggerKind):
    """Start again and again, after the same time."""

    name, title, recorded, has_times = "interval", "Again and again", Execution.Trigger.SCHEDULE, True

    class Config(TriggerConfig):
        """`every_minutes` between two starts, counted from 1970-01-01T00:00Z: 60 is every full hour."""

        every_minutes: Minutes
        catch_up_minutes: Minutes = 60


class Webhook(TriggerKind):
    """Start when another program sends a signed message, in the form of https://www.standardwebhooks.com."""

    name, title, recorded, signs = "webhook", "Signed webhook", Execution.Trigger.WEBHOOK, "standard"


class GoogleForms(TriggerKind):
    """Start when somebody answers a Google form: its page has the script that tells of it."""

    name, title, recorded, signs = "google-forms", "Google form", Execution.Trigger.FORM, "standard"


class HubSpot(TriggerKind):
    """Start when something happens in HubSpot, such as a new deal."""

    name, title, recorded, signs = "hubspot", "HubSpot", Execution.Trigger.HUBSPOT, "hubspot"

    class Config(TriggerConfig):
        """`events` are subscription types, such as deal.creation; all where there is none."""

        events: Annotated[list[str], Field(max_length=50)] = []


class Email(TriggerKind):
    """Start when a mail arrives at an address of its own."""

    name, title, recorded, has_token = "email", "E-mail", Execution.Trigger.EMAIL, True

    class Config(TriggerConfig):
        """`senders` are addresses, or domains such as @example.com, whose mails count; all where there is none."""

        senders: Annotated[list[str], Field(max_length=100)] = []

    def check(self, config: Config) -> Iterator[tuple[str, str]]:
        """Addresses or domains."""
        for sender in config.senders:
            if "@" not in sender or not sender.rpartition("@")[2]:
                yield "senders", f"{sender!r} is neither an address nor a domain such as @example.com."


class Form(TriggerKind):
    """Start when somebody fills in a public page that asks for the workflow's input."""

    name, title, recorded, has_token = "form", "Public form", Execution.Trigger.FORM, True

    class Config(TriggerConfig):
        """`heading`, `introduction` and `thanks` are what the page says."""

        heading: Annotated[str, Field(max_length=100)] = ""
        introduction: Annotated[str, Field(max_length=2_000)] = ""
        thanks: Annotated[str, Field(max_length=2_000)] = ""


KINDS: Mapping[str, TriggerKind] = {
    kind.name: kind for kind in (Cron(), Interval(), Webhook(), HubSpot(), GoogleForms(), Email(), Form())
}


def find(name: str) -> TriggerKind:
    """The kind of that name. Raises ValidationError that names those that there are."""
    if name not in KINDS:
        raise ValidationError({"kind": f"There is no kind of trigger {name!r}: choose {', '.join(KINDS)}."})
    return KINDS[name]


def values_of(config: Mapping[str, Any], data: Any, schema: Mapping[str, Any], *, kind: str, ref: str) -> Any:
    """The workflow's input, made of what a trigger brings. Raises ValidationError."""
    if wanted := config.get("input"):
        context = {"trigger": {"kind": kind, "ref": ref, "data": data}, "now": timezone.now()}
        try:
            return expressions.render_all(wanted, context)
        except ExpressionError as error:
            raise ValidationError({"input": str(error)}) from error
    given = data if isinstance(data, dict) else {}
    named = schema.get("properties")
    return {name: value for name, value in given.items() if named is None or name in named}


def scheduled_data(moment: datetime | None) -> dict[str, Any]:
    """What a trigger brings that Temporal fires."""
    return {"scheduled_at": (moment or timezone.now()).isoformat()}


def catch_up(config: Mapping[str, Any]) -> timedelta:
    """How late a start may be."""
    return timedelta(minutes=config.get("catch_up_minutes", 60))


def _input_problems(config: TriggerConfig) -> Iterator[tuple[str, str]]:
    for text in expressions.texts_of(config.input):
        try:
            expressions.check_text(text)
        except ExpressionError as error:
            yield "input", str(error)
            continue
        for expression in expressions.expressions(text):
            if expressions.inputs_in(expression) or expressions.steps_in(expression):
                yield "input", f"{expression!r} speaks of what is not there yet: begin with trigger.data or now."
