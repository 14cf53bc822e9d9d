"""The items of a step that does something with each: cut into parts, whose rows say how far each is and what failed.

What was done is not done again, by a retried activity or by another attempt of the execution: items that failed and items
that nobody has tried yet are what is left.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Q, Sum
from pydantic_core import PydanticSerializationError
from temporalio.exceptions import ApplicationError, is_cancelled_exception

from apps.executions.models import MAX_ERROR
from apps.executions.shared import said, storable
from apps.workflows.kinds.base import StepError
from apps.workflows.models import ItemFailure, ItemPart, StepRun
from apps.workflows.storable import plain_json

# The first parts have one item, so that a short list is shared among workers; later ones grow, so that 100,000 items are 235
# parts and a million 719.
SINGLE_PARTS, GROWTH = 11, 4
MAX_ITEMS = 1_000_000
# In seconds. A worker that is killed repeats what it did since it last stored how far it is.
STORE_EVERY = 0.5


class Superseded(Exception):  # noqa: N818  says what is so, as Django's DoesNotExist does
    """Another try of this part is at work: this one was given up for dead."""


@dataclass(kw_only=True)
class Tried:
    """An item that was tried, by its place in the whole list. `error` is empty where it went well."""

    index: int
    value: Any
    error: str = ""
    is_final: bool = True


def plan(run: StepRun, values: Callable[[], Iterable[Any]], *, beat: Callable[[int], None]) -> list[int]:
    """The numbers of the parts that are left to do; with the first call of a step's life its items are stored in parts.

    Values are taken one by one: they need not fit into memory. Raises StepError for more than MAX_ITEMS, and for no JSON.
    """
    if run.items_total is None and _earlier(run):
        _begin_again(run)
    elif run.items_total is None:
        _cut(run, values(), beat)
    return _left(run)


def work_through(
    part: ItemPart, run: StepRun, do: Callable[[int, Any], Any], *, is_last_try: bool, told: Callable[[int], bool]
) -> int:
    """Do what is left of a part, and give how many items are to be tried again. `told` hears how far it is, and stops it by True.

    Raises Superseded.
    """
    pending: list[Tried] = []
    stored_at = time.monotonic()
    for tried, (index, value) in enumerate(_open_items(part), start=1):
        pending.append(_try(do, index, value, is_last_try=is_last_try))
        if time.monotonic() >= stored_at + STORE_EVERY:
            _store(part, run, pending)
            pending, stored_at = [], time.monotonic()
            if told(tried):
                break
    _store(part, run, pending)
    return ItemFailure.objects.filter(part=part, is_final=False).count()


def count_all(run: StepRun) -> list[Tried]:
    """Make the figures of a step right, once all was tried, and give the first failures."""
    failures = ItemFailure.objects.filter(part__in=_parts(run))
    run.items_done = _parts(run).aggregate(done=Sum("done"))["done"] or 0
    run.items_failed = failures.count()
    run.save(update_fields=["items_done", "items_failed"])
    return [Tried(index=failure.index, value=None, error=failure.error) for failure in failures[:10]]


def sizes() -> Iterator[int]:
    """How many items each part has at most."""
    return (max(1, GROWTH * (number - SINGLE_PARTS + 1)) for number in count())


def _cut(run: StepRun, values: Iterable[Any], beat: Callable[[int], None]) -> None:
    # What an earlier try of this activity left; no item of it was done.
    _parts(run).delete()
    ahead, first = iter(values), 0
    for number, size in enumerate(sizes()):
        some = [_plain(value) for value in islice(ahead, size)]
        if not some:
            break
        ItemPart.objects.create(execution_id=run.execution_id, key=run.key, number=number, first=first, values=some)
        first += len(some)
        if first > MAX_ITEMS:
            raise StepError(f"there are more than {MAX_ITEMS:,} items")
        beat(first)
    run.items_total = first
    run.save(update_fields=["items_total"])


@transaction.atomic
def _begin_again(run: StepRun) -> None:
    """What failed in an earlier attempt of the execution is tried again, and counts as not done yet."""
    failures = ItemFailure.objects.filter(part__in=_parts(run))
    failures.update(is_final=False)
    last = _parts(run).order_by("-number").first()
    run.items_total = last.first + len(last.values) if last else 0
    run.items_done = (_parts(run).aggregate(done=Sum("done"))["done"] or 0) - failures.count()
    run.save(update_fields=["items_total", "items_done"])


def _left(run: StepRun) -> list[int]:
    again = Count("failures", filter=Q(failures__is_final=False))
    parts = list(_parts(run).annotate(again=again).order_by("number").values_list("number", "first", "done", "again"))
    ends = [first for _, first, _, _ in parts[1:]] + [run.items_total or 0]
    return [number for (number, first, done, again), end in zip(parts, ends, strict=False) if again or first + done < end]


def _open_items(part: ItemPart) -> Iterator[tuple[int, Any]]:
    again = ItemFailure.objects.filter(part=part, is_final=False)
    yield from list(again.values_list("index", "value"))
    # From here on `done` grows with what is stored.
    for offset in range(part.done, len(part.values)):
        yield part.first + offset, part.values[offset]


def _try(do: Callable[[int, Any], Any], index: int, value: Any, *, is_last_try: bool) -> Tried:
    try:
        do(index, value)
    except Exception as error:
        if is_cancelled_exception(error):
            raise
        is_final = isinstance(error, StepError) or (isinstance(error, ApplicationError) and error.non_retryable)
        reason = str(error) if isinstance(error, StepError) else said(error)
        return Tried(index=index, value=value, error=storable(reason)[:MAX_ERROR], is_final=is_final or is_last_try)
    return Tried(index=index, value=value)


@transaction.atomic
def _store(part: ItemPart, run: StepRun, tried: list[Tried]) -> None:
    if not tried:
        return
    new = sum(each.index >= part.first + part.done for each in tried)
    if not ItemPart.objects.filter(pk=part.pk, done=part.done).update(done=F("done") + new):
        raise Superseded
    failed = [each for each in tried if each.error]
    well = [each.index for each in tried if not each.error]
    ItemFailure.objects.filter(part=part, index__in=well).delete()
    ItemFailure.objects.bulk_create(
        (ItemFailure(part=part, index=each.index, value=each.value, error=each.error, is_final=each.is_final) for each in failed),
        update_conflicts=True,
        unique_fields=["part", "index"],
        update_fields=["error", "is_final"],
    )
    lost = sum(each.is_final for each in failed)
    StepRun.objects.filter(pk=run.pk).update(items_done=F("items_done") + len(well) + lost, items_failed=F("items_failed") + lost)
    part.done += new


def _plain(value: Any) -> Any:
    try:
        return plain_json(value)
    except PydanticSerializationError as error:
        raise StepError(f"an item is {type(value).__name__}, which has no JSON") from error
    except ValueError as error:
        raise StepError(f"an item has what cannot be stored: {error}") from error


def _earlier(run: StepRun) -> bool:
    """Whether an earlier attempt has stored the items, and they count still."""
    return (
        StepRun.objects.filter(execution=run.execution_id, key=run.key, attempt__lt=run.attempt, is_void=False)
        .exclude(items_total=None)
        .exists()
    )


def _parts(run: StepRun) -> Any:
    return ItemPart.objects.filter(execution=run.execution_id, key=run.key)
