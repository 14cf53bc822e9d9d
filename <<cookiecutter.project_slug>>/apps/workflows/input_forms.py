"""What a workflow asks for, as a table of fields: each row is a form, all of them are a JSON Schema. Checked by inputs.py."""

import json
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError

from apps.workflows.fields import read_value
from apps.workflows.forms import PlainForm

TYPES: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "text": ("Text", {"type": "string"}),
    "email": ("E-mail address", {"type": "string", "format": "email"}),
    "date": ("Date", {"type": "string", "format": "date"}),
    "integer": ("Whole number", {"type": "integer"}),
    "number": ("Number", {"type": "number"}),
    "boolean": ("Yes or no", {"type": "boolean"}),
    "texts": ("List of texts", {"type": "array", "items": {"type": "string"}}),
    "list": ("List", {"type": "array"}),
    "object": ("Object", {"type": "object"}),
}
# What the table itself says of a field; other keywords of a field are kept as they were.
SAID: Final = frozenset({"type", "format", "description", "default", "enum"})


class FieldForm(PlainForm):
    """A field of the input. A row without a name is none."""

    name = forms.RegexField(
        r"^[A-Za-z_]\w*$",
        required=False,
        max_length=50,
        error_messages={"invalid": "Letters, digits and _, and no digit at the beginning."},
    )
    type = forms.ChoiceField(choices=[(name, title) for name, (title, _) in TYPES.items()], required=False)
    is_needed = forms.BooleanField(label="Needed", required=False)
    description = forms.CharField(label="What it is", required=False, max_length=500)
    default = forms.CharField(required=False, max_length=1_000)
    options = forms.CharField(label="Choices", required=False, max_length=2_000)

    def described(self, before: dict[str, Any]) -> dict[str, Any]:
        """The field's schema, with what `before` said beyond the table."""
        given = self.cleaned_data
        _, plain = TYPES[given["type"] or "text"]
        is_same = before.get("type") == plain["type"]
        kept = {key: value for key, value in before.items() if is_same and key not in SAID}
        described = kept | plain
        if given["description"]:
            described["description"] = given["description"]
        if given["options"]:
            described["enum"] = [self._value(option.strip()) for option in given["options"].split(",") if option.strip()]
        if given["default"]:
            described["default"] = self._value(given["default"])
        return described

    def _value(self, text: str) -> Any:
        return text if self.cleaned_data["type"] in {"text", "email", "date", ""} else read_value(text)


class StrictForm(PlainForm):
    """Whether more than the fields of the table is refused."""

    is_strict = forms.BooleanField(
        label="Refuse other fields",
        required=False,
        help_text="A field that is spoken of but not listed is then found before anything runs.",
    )

    @staticmethod
    def initial_of(schema: dict[str, Any]) -> dict[str, bool]:
        """What a schema says; a new one is strict."""
        return {"is_strict": not schema or schema.get("additionalProperties") is False}


def fields_of(schema: dict[str, Any], data: Any = None, extra: int = 2) -> Any:
    """A form for each field of the input, and empty ones."""
    properties, needed = schema.get("properties", {}), schema.get("required", [])
    initial = [_row(name, described, is_needed=name in needed) for name, described in properties.items()]
    return forms.formset_factory(FieldForm, extra=extra, max_num=200)(data, prefix="fields", initial=initial)


def schema_in(rows: Any, before: dict[str, Any], *, is_strict: bool) -> dict[str, Any]:
    """The schema that valid rows say, empty for none. Raises ValidationError for a name that comes twice."""
    named = [row for row in rows if row.cleaned_data.get("name")]
    if not named:
        return {}
    names = [row.cleaned_data["name"] for row in named]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValidationError(f"Two fields are named {twice[0]}: rename one.")
    known = before.get("properties", {})
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {row.cleaned_data["name"]: row.described(known.get(row.cleaned_data["name"], {})) for row in named},
        "required": [row.cleaned_data["name"] for row in named if row.cleaned_data["is_needed"]],
    }
    return schema | ({"additionalProperties": False} if is_strict else {})


def _row(name: str, described: dict[str, Any], *, is_needed: bool) -> dict[str, Any]:
    default = described.get("default", "")
    return {
        "name": name,
        "type": _type_of(described),
        "is_needed": is_needed,
        "description": described.get("description", ""),
        "default": default if isinstance(default, str) else _plain(default),
        "options": ", ".join(map(_plain, described.get("enum", []))),
    }


def _type_of(described: dict[str, Any]) -> str:
    matching = [name for name, (_, plain) in TYPES.items() if plain.items() <= described.items()]
    # The one that says most of it.
    return max(matching, key=lambda name: len(TYPES[name][1]), default="text")


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
