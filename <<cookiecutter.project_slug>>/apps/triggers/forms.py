"""Forms for what a trigger is told. Set times may be said by days and a time, or by cron expressions."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from apps.executions.forms import InputForm, JsonField, help_of
from apps.schedules.services import DAYS
from apps.triggers.kinds import TriggerKind
from apps.triggers.models import Trigger
from apps.workflows.fields import LinesField, ValuesField
from apps.workflows.forms import PlainForm
from apps.workflows.models import Workflow

DAY_NAMES: Final = {"MON": "Mon", "TUE": "Tue", "WED": "Wed", "THU": "Thu", "FRI": "Fri", "SAT": "Sat", "SUN": "Sun"}
# What days and a time make, so that they stand there again.
AT: Final = re.compile(r"(\d{1,2}) (\d{1,2}) \* \* (\*|[A-Z]{3}(?:,[A-Z]{3})*)")
# In characters, of one public form.
MAX_SENT: Final = 100_000
INPUT_HELP: Final = (
    "A line for each value, such as amount: {{ trigger.data.total }}. Left empty, the workflow gets what it asks for by the same "
    "names."
)

type Fields = dict[str, forms.Field]


class PublicForm(InputForm):
    """The form that starts a workflow, which anybody may send."""

    def clean(self) -> None:
        """What it is sent is stored several times."""
        sent = sum(len(str(self[name].data or "")) for name in self.fields)
        if sent > MAX_SENT:
            raise ValidationError(f"This has {sent:,} characters and may have {MAX_SENT:,}: shorten it.")


class FireForm(PlainForm):
    """What a trigger brings that is fired by hand."""

    brought = JsonField(
        label="What it brings",
        required=False,
        widget=forms.Textarea({"rows": 6, "spellcheck": "false", "class": "json"}),
        help_text='What the steps find as trigger.data. JSON, such as {"amount": 5}; it may be left empty.',
    )


class TriggerForm(PlainForm):
    """A trigger of one kind: its name, what the kind must be told, and what else every trigger may be told."""

    def __init__(self, kind: TriggerKind, workflow: Workflow, data: Any = None, *, trigger: Trigger | None = None) -> None:
        initial = _shown(trigger) if trigger else {"name": kind.title, "time_zone": settings.TIME_ZONE}
        super().__init__(data, initial=initial)
        self.kind = kind
        self.fields["name"] = forms.CharField(max_length=100)
        self.fields |= FIELDS.get(kind.name, dict)()
        if kind.name != "form":
            self.fields["input"] = ValuesField(label="Input of the workflow", required=False, help_text=_input_help(workflow))
        self.fields["overlap"] = forms.ChoiceField(
            label="While an execution that it started has not ended",
            choices=Trigger.Overlap.choices,
            initial=Trigger.Overlap.ALLOW,
        )

    def clean(self) -> dict[str, Any]:
        """With `config`, as the kind understands it."""
        given: dict[str, Any] = super().clean() or {}
        told = {name: value for name, value in given.items() if name not in {"name", "overlap", "days", "at"}}
        if "cron" in self.fields:
            told["cron"] = [*([_cron(given)] if given.get("at") else []), *told.get("cron", [])]
        if self.errors:
            return given
        try:
            return given | {"config": self.kind.read(told).model_dump()}
        except ValidationError as error:
            for field, texts in error.message_dict.items():
                name = field.partition(".")[0]
                self.add_error(name if name in self.fields else None, texts)
        return given


def _cron(given: Mapping[str, Any]) -> str:
    days = given.get("days") or DAY_NAMES
    return f"{given['at'].minute} {given['at'].hour} * * {'*' if len(days) == len(DAYS) else ','.join(days)}"


def _shown(trigger: Trigger) -> dict[str, Any]:
    """What stands in the form of a trigger that there is."""
    shown = {**trigger.config, "name": trigger.name, "overlap": trigger.overlap}
    if match := AT.fullmatch(next(iter(shown.get("cron", ())), "")):
        minute, hour, days = match.groups()
        days_shown = list(DAY_NAMES) if days == "*" else days.split(",")
        shown |= {"cron": shown["cron"][1:], "at": f"{int(hour):02}:{int(minute):02}", "days": days_shown}
    return shown


def _cron_fields() -> Fields:
    zones = sorted(available_timezones())
    return {
        "at": forms.TimeField(label="At", required=False, widget=forms.TimeInput({"type": "time"}, format="%H:%M")),
        "days": forms.MultipleChoiceField(
            label="On",
            required=False,
            choices=list(DAY_NAMES.items()),
            widget=forms.CheckboxSelectMultiple,
            help_text="Every day where none is chosen.",
        ),
        "cron": LinesField(
            label="Or as cron",
            required=False,
            help_text="Minute, hour, day of month, month and day of week, one time a line: 0 9 * * MON-FRI, or 0 6 1 * *.",
        ),
        "time_zone": forms.ChoiceField(label="Time zone", choices=[(zone, zone) for zone in zones]),
        "catch_up_minutes": _catch_up(),
    }


def _interval_fields() -> Fields:
    return {
        "every_minutes": forms.IntegerField(
            label="Minutes from one start to the next",
            min_value=1,
            help_text="Counted from midnight UTC of 1 January 1970: 60 is every full hour, 1440 every midnight.",
        ),
        "catch_up_minutes": _catch_up(),
    }


def _catch_up() -> forms.Field:
    return forms.IntegerField(
        label="Minutes by which a start may be late",
        min_value=1,
        initial=60,
        help_text="What was missed for longer, because the server was away, is left out.",
    )


def _lines(label: str, help_text: str) -> forms.Field:
    return LinesField(label=label, required=False, help_text=help_text)


def _text(label: str) -> forms.Field:
    return forms.CharField(label=label, required=False, max_length=2_000, widget=forms.Textarea({"rows": 3}))


FIELDS: Mapping[str, Callable[[], Fields]] = {
    "cron": _cron_fields,
    "interval": _interval_fields,
    "email": lambda: {
        "senders": _lines("Who may write", "An address or a domain such as @example.com a line; anybody where it is empty.")
    },
    "hubspot": lambda: {
        "events": _lines("Events", "Subscription types, such as deal.creation, one a line; all of them where it is empty.")
    },
    "form": lambda: {
        "heading": forms.CharField(required=False, max_length=100, help_text="The workflow's name where it is empty."),
        "introduction": _text("Introduction"),
        "thanks": _text("What it says afterwards"),
    },
}


def _input_help(workflow: Workflow) -> str:
    asked = workflow.current.input_schema.get("properties", {}) if workflow.current else {}
    return help_of(INPUT_HELP, f"It asks for: {', '.join(asked)}." if asked else "")
