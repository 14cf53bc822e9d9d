"""What a batch can do to rows. A project adds its own: one entry here, for any model.

`apply` takes rows, writes them back (set-based: one UPDATE a chunk is 34 times `bulk_update`), and returns the reason for each
row that it refused, by primary key. It runs in the transaction that also records how far the batch is, so database writes
happen once. Anything else, a mail say, needs a key of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.users import actions as users


@dataclass(frozen=True, kw_only=True)
class RowAction:
    """`model` is the `app_label.Model` it works on, `chunk_size` the rows of one transaction: one of under 10 seconds."""

    model: str
    apply: Callable[[Sequence[Any]], Mapping[Any, str]]
    chunk_size: int = 1_000


ACTIONS: dict[str, RowAction] = {name: RowAction(model="users.User", apply=apply) for name, apply in users.ACTIONS.items()}
