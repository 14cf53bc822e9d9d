"""What a definition asks for when it is started: a JSON Schema of one object, of the plain sort that a form can ask for."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from jsonschema import Draft202012Validator, FormatChecker

from apps.workflows.storable import require_plain

TYPES = ("string", "integer", "number", "boolean", "array", "object")
# No references and no patterns: a schema comes from people, and must not fetch, loop or take for ever.
KEYWORDS = frozenset({
    "type", "title", "description", "default", "enum", "format", "minimum", "maximum", "minLength", "maxLength", "minItems",
    "maxItems", "items", "properties", "required", "additionalProperties",
})  # fmt: skip
MAX_DEPTH = 5


def schema_problems(schema: Any) -> Iterator[str]:
    """What is wrong with a schema, in sentences. An empty one takes any object."""
    if schema == {}:
        return
    if not isinstance(schema, dict) or schema.get("type") != "object":
        yield 'The input is an object: its schema begins with {"type": "object", "properties": …}.'
        return
    yield from _problems(schema, "input", 0)


def read(schema: Mapping[str, Any], values: Any) -> dict[str, Any]:
    """The values with the schema's defaults, as plain JSON: a time is a text. Raises ValidationError by field name."""
    values = require_plain(values, field="input")
    if not isinstance(values, dict):
        raise ValidationError({"input": 'The input is an object, such as {"name": "Ada"}.'})
    defaults = {name: field["default"] for name, field in schema.get("properties", {}).items() if "default" in field}
    given = defaults | values
    wrong: dict[str, list[str]] = {}
    for error in Draft202012Validator(dict(schema), format_checker=FormatChecker()).iter_errors(given):
        missing = error.validator == "required" and next(
            (name for name in error.validator_value if name not in error.instance), ""
        )
        path = [*map(str, error.absolute_path), *([missing] if missing else [])]
        message = "This is needed." if missing else error.message[:200]
        wrong.setdefault(".".join(["input", *path]), []).append(message)
    if wrong:
        raise ValidationError(wrong)
    return given


def _problems(schema: Any, place: str, depth: int) -> Iterator[str]:
    if not isinstance(schema, dict):
        yield f'{place} is described by an object, such as {{"type": "string"}}.'
        return
    if depth > MAX_DEPTH:
        yield f"{place} is nested more than {MAX_DEPTH} deep."
        return
    if unknown := sorted(map(str, schema.keys() - KEYWORDS)):
        yield f"{place} has {', '.join(unknown)}: there are {', '.join(sorted(KEYWORDS))}."
        return
    if schema.get("type") not in TYPES:
        yield f"{place} has no type: choose {', '.join(TYPES)}."
        return
    properties = schema.get("properties", {})
    if isinstance(properties, dict):
        for name, field in properties.items():
            yield from _problems(field, f"{place}.{name}", depth + 1)
    if "items" in schema:
        yield from _problems(schema["items"], f"{place}[]", depth + 1)
    for error in Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema):
        yield f"{place} is no schema: {error.message}"
        return
