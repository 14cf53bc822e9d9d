"""What can be stored of what people write and steps give."""

import json
from typing import Any

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


def as_storable(value: Any) -> str:
    """The JSON of a value. Raises ValueError for what a database does not store, with words that say what that is."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    try:
        content = text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("half of a character") from error
    if NUL.search(content):
        raise ValueError("a NUL character")
    return text
