"""Form fields for what a kind of step is told, made from the JSON Schema of its configuration."""

import inspect
import json
from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError

from apps.executions.forms import help_of
from apps.workflows.kinds import base
from apps.workflows.kinds.base import EXPRESSION, Kind, KindConfig
from apps.workflows.storable import as_storable
from config.parsing import MAX_DEPTH, is_deep

Schema = Mapping[str, Any]
JSON_ROWS: Final = 4
TOO_DEEP: Final = f"This is nested more than {MAX_DEPTH} deep."
# The format of a field that says what is done as another step would: a kind and its configuration.
STEP: Final = "step"


class LinesField(forms.CharField):
    """A list, one value a line."""

    def __init__(self, *, of: str = "string", **options: Any) -> None:
        super().__init__(widget=forms.Textarea({"rows": 3, "spellcheck": "false"}), **options)
        self.of = of

    def prepare_value(self, value: Any) -> Any:
        """What stands in the field."""
        return "\n".join(map(as_line, value)) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        """The list."""
        lines = [line.strip() for line in super().clean(value).splitlines() if line.strip()]
        return lines if self.of == "string" else [read_value(line) for line in lines]


class ValuesField(forms.CharField):
    """Names with their values, one a line: `total: {{ input.amount }}`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=forms.Textarea({"rows": JSON_ROWS, "spellcheck": "false", "class": "json"}), **options)

    def prepare_value(self, value: Any) -> Any:
        """What stands in the field."""
        return "\n".join(f"{name}: {as_line(each)}" for name, each in value.items()) if isinstance(value, dict) else value

    def clean(self, value: Any) -> Any:
        """The object. Raises ValidationError for a line without a colon and for a name that comes twice."""
        found: dict[str, Any] = {}
        for line in super().clean(value).splitlines():
            name, colon, given = (part.strip() for part in line.partition(":"))
            if not line.strip():
                continue
            if not colon or not name:
                raise ValidationError(f"{line.strip()!r} has no name: write a line for each value, such as total: 12.")
            if name in found:
                raise ValidationError(f"There are two values named {name}.")
            found[name] = read_value(given)
        return found


class _Sent(str):
    """What stood in a field when its form was sent."""

    __slots__ = ()


class ValueField(forms.CharField):
    """Any value: JSON where it is some, a text where it is not."""

    def __init__(self, *, rows: int = JSON_ROWS, **options: Any) -> None:
        super().__init__(widget=forms.Textarea({"rows": rows, "spellcheck": "false", "class": "json"}), **options)

    def prepare_value(self, value: Any) -> Any:
        """What stands in the field."""
        is_shown = value is None or isinstance(value, _Sent) or (isinstance(value, str) and not _is_json(value))
        return value if is_shown else json.dumps(value, indent=2, ensure_ascii=False)

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What was sent is shown as it was."""
        return None if data is None else _Sent(data)

    def clean(self, value: Any) -> Any:
        """The value, None for nothing."""
        text = super().clean(value)
        return read_value(text) if text else None


def advice(kind: Kind) -> str:
    """What a kind says of its fields, empty where it names none."""
    said = (inspect.cleandoc(each.__doc__ or "") for each in kind.Config.__mro__ if issubclass(each, KindConfig))
    return next((text.replace("`", "").replace("\n", " ") for text in said if "`" in text), "")


def config_fields(kind: Kind, config: Mapping[str, Any]) -> dict[str, forms.Field]:
    """A field for each value of a kind's configuration, by name. Those of a kind inside begin with its field's name and a dot."""
    schema = kind.Config.model_json_schema()
    needed, definitions = schema.get("required", ()), schema.get("$defs", {})
    found: dict[str, forms.Field] = {}
    for name, each in schema.get("properties", {}).items():
        described = _plain(each, definitions)
        if described.get("format") != STEP:
            found[name] = _field(name, described, is_needed=name in needed)
            continue
        found[name] = forms.ChoiceField(choices=[("", ""), *_inner_kinds()], label=_label(name, described))
        if inner := _inner(config.get(name)):
            found |= {f"{name}.{key}": field for key, field in config_fields(inner, {}).items()}
    return found


def config_of(kind: Kind, values: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration that filled fields mean: what is empty, or the kind's own, is left out."""
    properties = kind.Config.model_json_schema().get("properties", {})
    given = {name: value for name, value in values.items() if name in properties}
    given |= {name: _with_inner(name, value, values) for name, value in given.items() if _is_step(properties[name])}
    kept = {name: value for name, value in given.items() if value is not None and value not in ("", [], {})}
    return {name: value for name, value in kept.items() if value != properties[name].get("default", ...)}


def initial_of(kind: Kind, config: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in the fields of a configuration."""
    found: dict[str, Any] = {}
    for name, each in kind.Config.model_json_schema().get("properties", {}).items():
        value = config.get(name, each.get("default"))
        inner = _inner(value) if _is_step(each) else None
        found[name] = inner.name if inner else value
        if inner:
            found |= {f"{name}.{key}": deeper for key, deeper in initial_of(inner, value.get("config", {})).items()}
    return found


def inside(kind: Kind, values: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The kinds inside that sent values name, as a configuration would."""
    properties = kind.Config.model_json_schema().get("properties", {})
    return {name: {"kind": values.get(f"{prefix}{name}", "")} for name, each in properties.items() if _is_step(each)}


def shown_first(kind: Kind, values: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """What stands in fields of a kind inside that has just been chosen."""
    found = {f"{prefix}{name}": value for name, value in initial_of(kind, inside(kind, values, prefix)).items() if "." in name}
    return {name: value for name, value in found.items() if name not in values and value not in (None, "", [], {}, False)}


def read_value(text: str) -> Any:
    """JSON where a text is some, else the text. Raises ValidationError for what no database stores."""
    try:
        value = json.loads(text, parse_constant=str)
    except RecursionError as error:
        raise ValidationError(TOO_DEEP) from error
    except ValueError:
        return text
    if is_deep(value):
        raise ValidationError(TOO_DEEP)
    try:
        as_storable(value)
    except ValueError as error:
        raise ValidationError(f"This has what cannot be stored: {error}.") from error
    return value


def as_line(value: Any) -> str:
    """A value on one line, from which read_value makes the same."""
    if isinstance(value, str) and value == value.strip() and "\n" not in value and not _is_json(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _field(name: str, described: Schema, *, is_needed: bool) -> forms.Field:  # noqa: PLR0911  one for each type
    common: dict[str, Any] = {
        "label": _label(name, described),
        "required": is_needed,
        "help_text": help_of(described.get("description", "")),
    }
    if options := described.get("enum"):
        empty = [] if is_needed or "" in options or "default" in described else [("", "")]
        return forms.ChoiceField(choices=[*empty, *((each, _as_choice(each)) for each in options)], **common)
    match described.get("type"):
        case "boolean":
            return forms.BooleanField(**common | {"required": False})
        case "integer":
            return forms.IntegerField(**common)
        case "number":
            return forms.FloatField(widget=forms.NumberInput({"step": "any"}), **common)
        case "string":
            return _text_field(described, common)
        case "array" if (of := described.get("items", {}).get("type", "string")) not in {"object", "array"}:
            return LinesField(of=of, **_with_help(common, "One a line."))
        case "object" if not described.get("properties"):
            return ValuesField(**_with_help(common, "One a line, such as total: {{ input.amount }}"))
    return ValueField(**common)


def _text_field(described: Schema, common: dict[str, Any]) -> forms.Field:
    if rows := described.get("rows"):
        return forms.CharField(widget=forms.Textarea({"rows": rows}), **common)
    if described.get("format") == EXPRESSION:
        shown = forms.TextInput({"spellcheck": "false", "class": "json"})
        return forms.CharField(widget=shown, **_with_help(common, "An expression, without braces."))
    suggested = {"list": f"suggested-{source}"} if (source := described.get("source")) else {}
    return forms.CharField(max_length=described.get("maxLength"), widget=forms.TextInput(suggested), **common)


def _label(name: str, described: Schema) -> str:
    # A title that nobody has given is the name with capital letters.
    title, usual = str(described.get("title", "")), name.replace("_", " ")
    return usual.capitalize() if title.lower() in {"", usual} else title


def _is_step(described: Schema) -> bool:
    return described.get("format") == STEP


def _inner(value: Any) -> Kind | None:
    return base.kinds().get(value.get("kind", "")) if isinstance(value, dict) else None


def _inner_kinds() -> list[tuple[str, str]]:
    able = (kind for kind in base.kinds().values() if kind.flow in {"activity", "workflow"} and not kind.is_trigger)
    return sorted(((kind.name, kind.shown) for kind in able), key=lambda choice: choice[1])


def _with_inner(name: str, chosen: str, values: Mapping[str, Any]) -> Any:
    inner = _inner({"kind": chosen})
    if inner is None:
        return None
    given = {key.removeprefix(f"{name}."): value for key, value in values.items() if key.startswith(f"{name}.")}
    return {"kind": chosen, "config": config_of(inner, given)}


def _with_help(common: dict[str, Any], hint: str) -> dict[str, Any]:
    return common | {"help_text": help_of(common["help_text"], hint)}


def _plain(described: Schema, definitions: Schema) -> Schema:
    """The schema without its references and without the choice of null."""
    kinds = [option for option in described.get("anyOf", ()) if option.get("type") != "null"]
    if len(kinds) == 1:
        described = {**described, **kinds[0]}
    if reference := described.get("$ref"):
        name = reference.rpartition("/")[2]
        # The title of a referred schema is the name of its class.
        described = {**{key: each for key, each in definitions.get(name, {}).items() if key != "title"}, **described}
    return described


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except RecursionError:
        return True
    except ValueError:
        return False
    return True


def _as_choice(option: Any) -> str:
    return str(option).replace("_", " ").replace("-", " ").capitalize() if option != "" else "as usual"
