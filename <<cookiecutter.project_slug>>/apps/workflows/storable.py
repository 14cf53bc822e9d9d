"""What can be stored of what people write and steps give."""

import json
from typing import Any

from django.core.exceptions import ValidationError
from pydantic_core import to_jsonable_python

from config.parsing import NUL


def plain_json(value: Any) -> Any:
    """A value as plain JSON, in which a time is a text.

    Raises ValueError for what a database does not store, and for what is nested so deep (255) that it would end the process
    which evaluates expressions over it.
    """
    plain = to_jsonable_python(value)
    as_storable(plain)
    return plain


def require_plain(value: Any, *, field: str, said: str = "This has what cannot be stored") -> Any:
    """As plain_json. Raises ValidationError under that field, with what was said before the reason."""
    try:
        return plain_json(value)
    except ValueError as error:
        raise ValidationError({field: f"{said}: {error}."}) from error


def as_storable(value: Any) -> str:
    """The JSON of a value, as short as it is. Raises ValueError for what a database does not store, with words that say what."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        content = text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("half of a character") from error
    if NUL.search(content):
        raise ValueError("a NUL character")
    return text
