"""What kinds read out of what expressions gave."""

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from apps.workflows.kinds.base import StepError


def texts_in(value: Any, name: str) -> Iterator[str]:
    """Every text in a value: texts with commas, lists, and objects that have one under that name. Raises StepError."""
    match value:
        case str():
            yield from (part.strip() for part in value.split(",") if part.strip())
        case dict() if name in value:
            yield from texts_in(value[name], name)
        case list() | tuple():
            for each in value:
                yield from texts_in(each, name)
        case _:
            raise StepError(f"{value!r} is neither a text nor a list of texts, nor has it {name}")


def wrong_addresses(people: list[str]) -> Iterator[str]:
    """What is wrong with e-mail addresses as they stand in a configuration, in sentences."""
    for address in people:
        if "{{" not in address and not is_address(address):
            yield f"{address!r} is no e-mail address."


def is_address(text: str) -> bool:
    """Whether a text is one e-mail address."""
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True
