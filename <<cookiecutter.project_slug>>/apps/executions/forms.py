"""Forms of the pages: what to look for, what to start, why something is done. What a workflow asks for is read off its schema."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db.models import Q, QuerySet
from django.forms.fields import InvalidJSONInput
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from apps.executions import catalog, states
from apps.executions.models import VIEW, Execution
from apps.executions.services import BEGINNING, FAILED_STEP
from apps.users.models import User
from config.parsing import MAX_DEPTH, NUL, is_deep, read_json

OPEN: Final = "open"
WHOLE: Final = "input"
Schema = dict[str, Any]


class JsonField(forms.JSONField):
    """JSON as text, empty where there is none. What no database stores is refused."""

    def to_python(self, value: Any) -> Any:
        """The value. Raises ValidationError."""
        if isinstance(value, str) and value not in self.empty_values:
            _require_storable(value)
        return super().to_python(value)

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What was typed, as it was typed."""
        return initial if self.disabled else None if data is None else InvalidJSONInput(data)

    def prepare_value(self, value: Any) -> Any:
        """What stands in the field."""
        return "" if value is None else super().prepare_value(value)


class Filters(forms.Form):
    """Which executions to list. What is left empty, or makes no sense, filters nothing."""

    q = forms.CharField(label="Search", required=False, max_length=200)
    status = forms.ChoiceField(required=False)
    workflow = forms.ChoiceField(required=False)
    user = forms.CharField(label="Account", required=False, max_length=200)
    since = forms.DateField(label="From", required=False, widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"))
    until = forms.DateField(label="To", required=False, widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"))

    def __init__(self, data: Any = None, *, user: User) -> None:
        super().__init__(data, label_suffix="")
        statuses = [(status.value, states.shown(status.value)) for status in Execution.Status]
        self.fields["status"].choices = [("", "any"), (OPEN, "not ended"), *statuses]  # type: ignore[attr-defined]
        self.fields["workflow"].choices = [("", "any"), *catalog.titles(user).items()]  # type: ignore[attr-defined]
        if not user.has_perm(f"executions.{VIEW}"):
            del self.fields["user"]

    def chosen(self, executions: QuerySet[Execution]) -> QuerySet[Execution]:
        """Those of the executions that were asked for."""
        self.is_valid()
        given = {name: value for name, value in self.cleaned_data.items() if value}
        if text := given.get("q"):
            executions = executions.filter(_named(text.strip()))
        if status := given.get("status"):
            executions = executions.filter(status__in=states.OPEN if status == OPEN else [status])
        if workflow := given.get("workflow"):
            executions = executions.filter(workflow=workflow)
        if address := given.get("user"):
            executions = executions.filter(user__in=User.objects.filter(email__icontains=address.strip()))
        if since := given.get("since"):
            executions = executions.filter(created_at__gte=_midnight(since))
        if until := given.get("until"):
            executions = executions.filter(created_at__lt=_midnight(until) + timedelta(days=1))
        return executions


class InputForm(forms.Form):
    """What a workflow asks for: a field for each value, of JSON where there is no other. Empty ones are left to its defaults."""

    def __init__(self, startable: catalog.Startable, data: Any = None) -> None:
        super().__init__(data, prefix="input", label_suffix="")
        schema = startable.schema
        self.is_object = schema.get("type") == "object" and "properties" in schema
        if not schema:
            return
        properties = schema["properties"] if self.is_object else {WHOLE: schema}
        required = schema.get("required", ()) if self.is_object else (WHOLE,)
        for name, described in properties.items():
            self.fields[name] = _field(name, described, schema.get("$defs", {}), required=name in required)

    @property
    def values(self) -> Any:
        """The input as JSON."""
        given = {name: value for name, value in self.cleaned_data.items() if value is not None and value != ""}
        if not self.fields:
            return None
        return given if self.is_object else given.get(WHOLE)

    def refuse(self, error: ValidationError) -> None:
        """Show what the workflow finds wrong, at the field that it is about."""
        for place, texts in error.message_dict.items():
            _, _, within = place.partition(".")
            name, _, deeper = within.partition(".")
            known = name if name in self.fields else WHOLE if WHOLE in self.fields else None
            for text in texts:
                self.add_error(known, f"{deeper}: {text}" if deeper else text)


class ReasonForm(forms.Form):
    """Why, for the audit trail."""

    reason = forms.CharField(max_length=2_000, required=False, help_text="For the audit trail.")


class NeededReasonForm(ReasonForm):
    """Termination is never without a reason."""

    reason = forms.CharField(max_length=2_000, help_text="For the audit trail.")


class ResetForm(ReasonForm):
    """From where to try again."""

    to = forms.ChoiceField(
        label="From where",
        widget=forms.RadioSelect,
        initial=FAILED_STEP,
        choices=[(FAILED_STEP, "The step that failed: what succeeded before it is kept"), (BEGINNING, "The beginning")],
    )
    repeat_effects = forms.BooleanField(required=False, label="Repeat effects too: what was sent, such as mails, is sent again")
    field_order = ["to", "repeat_effects", "reason"]


def messages_of(error: ValidationError) -> list[str]:
    """What is wrong, without the names of fields that a page does not show."""
    return [text for key, texts in error.message_dict.items() if key != NON_FIELD_ERRORS for text in texts] or error.messages


def help_of(*sentences: str) -> SafeString:
    """The help of a field, escaped: a form shows help as HTML, also where people have written it."""
    return format_html_join(" ", "{}", ((sentence,) for sentence in sentences if sentence))


def sent_key(data: Mapping[str, str]) -> str:
    """The key that makes a second click do nothing, as a page has sent it; a new one where that is none."""
    key = data.get("key", "")[:100]
    return key if key and key.isprintable() else str(uuid4())


def _named(text: str) -> Q:
    try:
        return Q(pk=UUID(text)) | Q(temporal_workflow_id=text)
    except ValueError:
        # The inner query reads an index alone, where a condition on the rows would read each of them.
        found = Execution.objects.filter(temporal_workflow_id__icontains=text).order_by()
        return Q(temporal_workflow_id__in=found.values("temporal_workflow_id"))


def _midnight(day: Any) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)


def _require_storable(text: str) -> None:
    try:
        content = text.encode()
        if NUL.search(content):
            raise ValueError("a NUL character cannot be stored")
        value = read_json(content)
    except json.JSONDecodeError:
        # Django says so.
        return
    except UnicodeEncodeError as error:
        raise ValidationError("This has half of a character, which cannot be stored.") from error
    except ValueError as error:
        raise ValidationError(f"This cannot be taken: {error}.") from error
    if is_deep(value):
        raise ValidationError(f"This is nested more than {MAX_DEPTH} deep.")


def _field(name: str, described: Schema, definitions: Schema, *, required: bool) -> forms.Field:
    described, optional = _plain(described, definitions)
    common: dict[str, Any] = {
        "label": name.replace("_", " ").capitalize() + ("" if required or described.get("type") == "boolean" else " (optional)"),
        "required": required and not optional,
        "help_text": help_of(described.get("description", "")),
    }
    initial = described.get("default")
    if options := described.get("enum"):
        return _choice(options, initial, common)
    match described.get("type"):
        case "boolean":
            return forms.BooleanField(initial=initial, **common | {"required": False})
        case "integer":
            return forms.IntegerField(initial=initial, **common)
        case "number":
            return forms.FloatField(initial=initial, **common)
        case "string":
            return forms.CharField(initial=initial, max_length=described.get("maxLength"), **common)
    shown = forms.Textarea({"rows": 4, "spellcheck": "false", "class": "json"})
    hint = help_of(common["help_text"], f"JSON, such as {_example(described)}.")
    return JsonField(widget=shown, initial=initial or None, **common | {"help_text": hint})


def _choice(options: list[Any], initial: Any, common: dict[str, Any]) -> forms.Field:
    """A choice whose value is the option itself: a number stays one."""
    by_text = {_as_text(option): option for option in options}
    empty = [] if common["required"] else [("", "")]
    choices = [*empty, *((text, text) for text in by_text)]
    return forms.TypedChoiceField(choices=choices, coerce=by_text.__getitem__, initial=_as_text(initial), **common)


def _as_text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _plain(described: Schema, definitions: Schema) -> tuple[Schema, bool]:
    """The schema without its references, and whether it may be left out as null."""
    options = described.get("anyOf", ())
    kinds = [option for option in options if option.get("type") != "null"]
    if len(kinds) == 1:
        described = {**described, **kinds[0]}
    if reference := described.get("$ref"):
        described = {**definitions.get(reference.rpartition("/")[2], {}), **described}
    return described, len(kinds) < len(options)


def _example(described: Schema) -> str:
    match described.get("type"):
        case "array":
            item = described.get("items", {}).get("type")
            return json.dumps([1, 2] if item == "integer" else ["one", "two"])
        case "object":
            return json.dumps(dict.fromkeys(list(described.get("properties", {"name": ""}))[:2], "…"), ensure_ascii=False)
    return '"text", 1, true, [1, 2], {"name": "…"}'
