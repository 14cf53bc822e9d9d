"""What comes from outside: JSON that no database could store is refused before anything is done with it."""

import json
import math
import re
from typing import Any, NoReturn

from pydantic import ValidationError

# Halves of characters, which have no bytes of their own: https://www.rfc-editor.org/rfc/rfc8259#section-8.2
HALF = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")
# PostgreSQL stores no such character. JSON in UTF-16 has it in every line.
NUL = re.compile(rb"\0|(?<!\\)(?:\\\\)*\\u0000")


def read_json(content: bytes) -> Any:
    """The value. Raises ValueError for what is no JSON, NaN and numbers without end among it, and for halves of characters."""
    value = json.loads(content, parse_constant=_refuse, parse_float=_finite)
    if HALF.search(content):
        json.dumps(value, ensure_ascii=False).encode()
    return value


def problems_by_field(error: ValidationError, *, whole: str = "", inside: str = "") -> dict[str, list[str]]:
    """What is wrong, in sentences, by field name below `inside`; what is wrong with all of it stands under `whole`."""
    found: dict[str, list[str]] = {}
    for problem in error.errors(include_url=False, include_input=False):
        place = ".".join(map(str, [*filter(None, [inside]), *problem["loc"]]))
        found.setdefault(place or whole, []).append(problem["msg"])
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)
