"""Writes many rows back at once, each with values of its own."""

import re
from collections.abc import Sequence
from typing import Any

from django.db import connections, models, router


def write_back(rows: Sequence[models.Model], fields: Sequence[str]) -> None:
    """What bulk_update does; on PostgreSQL by one UPDATE from arrays of values, which is several times as fast.

    As with bulk_update nothing runs that save() would run. Values are values: no F() and no other expression.
    """
    if not rows:
        return
    model = type(rows[0])
    connection = connections[router.db_for_write(model)]
    columns: list[Any] = [model._meta.pk, *(model._meta.get_field(name) for name in fields)]
    if connection.vendor != "postgresql" or not all(_fits_an_array(model, column) for column in columns):
        model._base_manager.using(connection.alias).bulk_update(rows, fields)
        return
    values = [[column.get_db_prep_save(getattr(row, column.attname), connection) for row in rows] for column in columns]
    with connection.cursor() as cursor:
        cursor.execute(_update(model, columns, connection), values)


def _update(model: type[models.Model], columns: Sequence[Any], connection: Any) -> str:
    key, *names = (connection.ops.quote_name(column.column) for column in columns)
    changes = ", ".join(f"{name} = new.{name}" for name in names)
    arrays = ", ".join(f"%s::{_base_type(column, connection)}[]" for column in columns)
    return (
        f"UPDATE {connection.ops.quote_name(model._meta.db_table)} AS old SET {changes} "  # noqa: S608  names of the model, quoted
        f"FROM unnest({arrays}) AS new({key}, {', '.join(names)}) WHERE old.{key} = new.{key}"
    )


def _fits_an_array(model: type[models.Model], column: Any) -> bool:
    """An array of arrays would be taken apart; a field of a parent model is in another table."""
    return column in model._meta.local_concrete_fields and column.get_internal_type() != "ArrayField"


def _base_type(column: Any, connection: Any) -> str:
    """Without a length: a cast to varchar(9) would cut silently where the assignment to the column refuses."""
    return re.sub(r"\(.*\)", "", column.rel_db_type(connection))
