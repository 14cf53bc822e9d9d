"""JSON from outside: what Python takes and databases do not is refused before anything is done with it."""

import json
import math
import re
from typing import Any, NoReturn

from django.http import HttpRequest
from ninja.parser import Parser

# Halves of characters, which have no bytes of their own: https://www.rfc-editor.org/rfc/rfc8259#section-8.2
HALF = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")


class StrictParser(Parser):
    """Reads the bodies of the API."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Raises ValueError, which the API answers with 400."""
        return read_json(request.body)


def read_json(content: bytes) -> Any:
    """The value. Raises ValueError for what is no JSON, NaN and numbers without end among it, and for halves of characters."""
    value = json.loads(content, parse_constant=_refuse, parse_float=_finite)
    if HALF.search(content):
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)
