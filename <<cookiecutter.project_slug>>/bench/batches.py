"""A batch of this project against what people write otherwise, and how it grows."""

import time
from collections.abc import Sequence
from itertools import batched
from typing import Any
from uuid import uuid4

from django.db import connection
from temporalio.client import WorkflowHandle

from apps.users.models import User
from bench.figures import Figure, Size, take_turns
from bench.people import make_people
from bench.processes import BARE, OURS, Bench, peak_memory, worker
from bench.shared import ChunksInput
from bench.writes import LOOPS

CHUNK = 1_000
GROWING = "bench-growing"
# What a batch needs however small it is, in events; and the limit for a row once that no longer counts.
LARGE, EVENTS_A_ROW = 100_000, 0.006


def against_others(bench: Bench, size: Size) -> list[Figure]:
    """Rows a second of each way to do the same work."""
    make_people(size.rows)
    bench.pair()
    return [
        *_compare(bench, size, "bulk_update", bare=0.95, loop=0.8),
        *_compare(bench, size, "write_back", bare=None, loop=None),
        *_compare(bench, size, "check_profile", bare=0.95, loop=4.0 if connection.vendor == "postgresql" else None),
        *_row_by_row(bench, size),
    ]


def growth(bench: Bench, size: Size) -> list[Figure]:
    """The same batch over more and more rows, each time with a new worker: its peak memory is that of this batch."""
    figures, peaks = list[Figure](), dict[int, float]()
    for rows in size.growth:
        make_people(rows)
        with worker(OURS, GROWING) as process:
            bench.warm_up(GROWING)
            handle, rate = _batch(bench, "check_profile", rows, queue=GROWING)
            events = bench.runner.run(handle.describe()).history_length / rows
            peaks[rows] = peak_memory(process) or 0.0
            if rows == max(size.growth):
                # What a batch costs beside its action, which shows only over many rows.
                beside = {action: _batch(bench, action, rows, queue=GROWING)[1] for action in ("read", "nothing")}
        limit = EVENTS_A_ROW if rows >= LARGE else None
        figures += [
            _value(f"batch of {rows:,} rows", "rows/s", [rate]),
            _value(f"batch of {rows:,} rows, events", "a row", [events], at_most=limit),
        ]
    few, many = size.growth[min(1, len(size.growth) - 1)], max(peaks)
    figures += [
        _value(f"batch of {many:,} rows that only reads", "rows/s", [beside["read"]]),
        # SQLite writes one chunk's cursor at a time, whatever the window.
        _value(
            f"batch of {many:,} rows that does nothing",
            "rows/s",
            [beside["nothing"]],
            at_least=100_000 if connection.vendor == "postgresql" else None,
        ),
    ]
    if peaks[many]:
        what = f"peak memory, {many:,} rows against {few:,}"
        figures.append(Figure(what=what, unit="MiB", ours=[peaks[many]], against="MiB", theirs=[peaks[few]], at_most=1.1))
    return figures


def _compare(bench: Bench, size: Size, write: str, *, bare: float | None, loop: float | None) -> list[Figure]:
    ours, theirs, looped = take_turns(
        size.rounds,
        lambda: _batch(bench, write, size.rows)[1],
        lambda: _bare(bench, "bench_chunks", write, size.rows),
        lambda: _loop(write, size.rows),
    )
    what, unit = f"batch, {write}", "rows/s"
    return [
        Figure(what=what, unit=unit, ours=ours, against="bare SDK", theirs=theirs, at_least=bare),
        Figure(what=what, unit=unit, ours=ours, against="loop, bulk_update", theirs=looped, at_least=loop),
    ]


def _row_by_row(bench: Bench, size: Size) -> list[Figure]:
    ours, theirs = take_turns(
        size.rounds,
        lambda: _batch(bench, "bulk_update", size.items)[1],
        lambda: _bare(bench, "bench_row_by_row", "bulk_update", size.items),
    )
    what = f"batch of {size.items:,} rows, bulk_update"
    return [Figure(what=what, unit="rows/s", ours=ours, against="an activity a row", theirs=theirs)]


def _value(what: str, unit: str, ours: Sequence[float], *, at_least: float | None = None, at_most: float | None = None) -> Figure:
    return Figure(what=what, unit=unit, ours=ours, compare="value", at_least=at_least, at_most=at_most)


def _batch(bench: Bench, action: str, rows: int, queue: str = OURS) -> tuple[WorkflowHandle[Any, Any], float]:
    """A batch of this project, and its rows a second from the start to the result."""
    wanted = {"batch_id": str(uuid4()), "rows": {"model": "users.User", "filter": {"pk__lte": rows}}, "action": action}
    began = time.perf_counter()
    handle = bench.start("batch_processing", wanted, queue=queue)
    succeeded = bench.result(handle)["succeeded"]
    return handle, _rate(succeeded, rows, began)


def _bare(bench: Bench, workflow: str, write: str, rows: int) -> float:
    """Rows a second of a bare SDK workflow."""
    began = time.perf_counter()
    wanted = ChunksInput(write=write, first=1, last=rows, size=CHUNK)
    return _rate(bench.result(bench.start(workflow, wanted, queue=BARE)), rows, began)


def _loop(write: str, rows: int) -> float:
    """Rows a second of a loop in one process."""
    began, done = time.perf_counter(), 0
    for chunk in batched(User.objects.filter(pk__lte=rows).iterator(chunk_size=CHUNK), CHUNK, strict=False):
        LOOPS[write](chunk)
        done += len(chunk)
    return _rate(done, rows, began)


def _rate(done: int, rows: int, began: float) -> float:
    seconds = time.perf_counter() - began
    assert done == rows, f"{done} of {rows} rows"
    return rows / seconds
