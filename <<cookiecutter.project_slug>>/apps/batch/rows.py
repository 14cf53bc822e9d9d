"""From the description of rows to a queryset. They come from outside, so they reach a model's own fields and no further."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.apps import apps
from django.core.exceptions import EmptyResultSet, FieldDoesNotExist, FieldError, ValidationError
from django.db import DataError, NotSupportedError, OperationalError, ProgrammingError, models, transaction

from apps.batch.actions import ACTIONS
from apps.batch.shared import RowQuery

# A filter that may compare these would tell the secret, one character at a time.
SECRET_FIELDS = {"password"}


def check_action(action: str, query: RowQuery | None) -> None:
    """Raises ValidationError, by field name, when there is no such action, or it is not for these rows."""
    if action not in ACTIONS:
        raise ValidationError({"action": f"There is no action {action!r}: choose {', '.join(sorted(ACTIONS))}."})
    if query is not None:
        if query.model.lower() != ACTIONS[action].model.lower():
            raise ValidationError({"rows": f"{action} works on {ACTIONS[action].model}, not on {query.model}."})
        _probe(described(query))


def count(query: RowQuery) -> int:
    """How many rows there are. Raises ValidationError when the database refuses the filter."""
    with _refusals():
        return described(query).count()


def described(query: RowQuery) -> models.QuerySet[Any]:
    """The rows, ordered by primary key. Raises ValidationError for an unknown model, field or look-up."""
    try:
        model = apps.get_model(query.model)
    except (LookupError, ValueError):
        raise ValidationError({"rows": f"There is no model {query.model!r}: write for example users.User."}) from None
    for lookup in query.filter:
        _check_field(model, lookup)
    try:
        rows: models.QuerySet[Any] = model._default_manager.filter(**query.filter).order_by("pk")
        with suppress(EmptyResultSet):
            # Some look-ups refuse a value only when they are written as SQL.
            str(rows.query)
    except (FieldError, NotSupportedError, ValueError, TypeError, ValidationError) as error:
        raise _unusable(error) from error
    return rows


def _check_field(model: type[models.Model], lookup: str) -> None:
    name = lookup.split("__", maxsplit=1)[0]
    try:
        field = model._meta.pk if name == "pk" else model._meta.get_field(name)
    except FieldDoesNotExist:
        raise ValidationError({"rows": f"{model._meta.label} has no field {name!r}."}) from None
    if not isinstance(field, models.Field) or field.is_relation or field.name in SECRET_FIELDS:
        raise ValidationError({"rows": f"Rows cannot be chosen by {name!r}: choose a plain field of {model._meta.label}."})


def _probe(rows: models.QuerySet[Any]) -> None:
    """Let the database see the filter, on one row at most: only it knows whether `email__regex` is a regular expression."""
    first = rows.model._default_manager.order_by("pk").values("pk")[:1]
    with _refusals():
        rows.filter(pk__in=first).exists()


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
    except (DataError, NotSupportedError, ProgrammingError) as error:
        raise _unusable(error) from error
    except OperationalError as error:
        # SQLite's words for a Python function that raised, such as its REGEXP. Any other is trouble that may pass.
        if "user-defined function" not in str(error):
            raise
        raise _unusable(error) from error


def _unusable(error: Exception) -> ValidationError:
    return ValidationError({"rows": f"The filter cannot be used: {str(error).strip()}"})
