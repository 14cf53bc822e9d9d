"""What a batch can do to rows. A project adds its own: one entry here, for any model.

`apply` takes rows and returns the reason for each row that it refused, by primary key. Either it writes by itself, set-based: one
UPDATE a chunk is 34 times `bulk_update`; an action that SQL alone can do says `set_based` and is given a queryset that nobody has
read. Or it changes the rows that it was given, and the batch writes back the fields that `writes` names. All run in the
transaction that also records how far the batch is, so database writes happen once. Anything else, a mail say, needs a key of its
own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from apps.batch.writes import write_back
from apps.users import actions as users


@dataclass(frozen=True, kw_only=True)
class RowAction:
    """`model` is the `app_label.Model` it works on, `chunk_size` the rows of one transaction: one of under 10 seconds."""

    model: str
    apply: Callable[[Any], Mapping[Any, str]]
    writes: Sequence[str] = ()
    set_based: bool = False
    chunk_size: int = 1_000

    def do(self, rows: Sequence[Any] | QuerySet[Any]) -> Mapping[Any, str]:
        """Apply it to rows and write back those that it did not refuse."""
        refused = self.apply(rows)
        if self.writes:
            write_back([row for row in rows if not refused.get(row.pk)], self.writes)
        return refused


ACTIONS: dict[str, RowAction] = {name: RowAction(model="users.User", apply=apply) for name, apply in users.ACTIONS.items()}
