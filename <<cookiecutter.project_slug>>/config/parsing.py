"""What comes from outside: JSON that no database could store is refused before anything is done with it."""

import json
import math
import re
from collections.abc import Callable
from typing import Any, NoReturn

from django.http import HttpRequest, HttpResponse
from pydantic import ValidationError

# Halves of characters, which have no bytes of their own: https://www.rfc-editor.org/rfc/rfc8259#section-8.2
HALF = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")
# PostgreSQL stores no such character. JSON in UTF-16 has it in every line.
NUL = re.compile(rb"\0|(?<!\\)(?:\\\\)*\\u0000")
# How deep lists and objects may stand in each other: what looks at them goes as deep, and Python goes 1,000 deep.
MAX_DEPTH = 100
# Digits that every database takes as an integer.
MAX_DIGITS = 9


def read_json(content: bytes) -> Any:
    """The value. Raises ValueError for what is no JSON, NaN and numbers without end among it, and for halves of characters."""
    try:
        value = json.loads(content, parse_constant=_refuse, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    if HALF.search(content):
        json.dumps(value, ensure_ascii=False).encode()
    return value


def utf8(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: addresses and forms are UTF-8, whatever a request says: https://www.rfc-editor.org/rfc/rfc7578#section-5.1.2

    Python knows encodings that no browser does, and some of them make halves of characters.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        # Not by its property, which first reads the address in the other encoding.
        request._encoding = "utf-8"  # type: ignore[attr-defined]  # Django's own, under that property
        return get_response(request)

    return middleware


def is_deep(value: Any, most: int = MAX_DEPTH) -> bool:
    """Whether lists and objects stand in each other more than `most` deep."""
    level = [value]
    for _ in range(most + 1):
        outer = [each for each in level if isinstance(each, list | dict)]
        level = [inner for each in outer for inner in (each.values() if isinstance(each, dict) else each)]
        if not outer:
            return False
    return True


def whole(text: str | None, default: int = -1) -> int:
    """The number that a text of at most MAX_DIGITS digits is, of any other text the default."""
    return int(text) if text and len(text) <= MAX_DIGITS and text.isascii() and text.isdigit() else default


def problems_by_field(error: ValidationError, *, otherwise: str = "", inside: str = "") -> dict[str, list[str]]:
    """What is wrong, in sentences, by field name below `inside`; what is wrong with all of it stands under `otherwise`."""
    found: dict[str, list[str]] = {}
    for problem in error.errors(include_url=False, include_input=False):
        place = ".".join(map(str, [*filter(None, [inside]), *problem["loc"]]))
        found.setdefault(place or otherwise, []).append(problem["msg"])
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)
