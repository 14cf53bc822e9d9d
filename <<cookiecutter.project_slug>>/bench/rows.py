"""The rows of the bench by name. Each runs in a process of its own, once for each of its databases."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Row:
    """`function` is module:name. `databases` are all there are, only PostgreSQL, or one: PostgreSQL where there is one."""

    about: str
    function: str
    databases: Literal["all", "postgresql", "one"]


ROWS = {
    "startup": Row(
        about="a worker's process: its start to its first poll, with bytecode and without, against a bare SDK worker with Django",
        function="bench.startup:to_first_poll",
        databases="one",
    ),
    "noop": Row(
        about="workflows of three activities that do nothing, 50 at once, against a bare SDK worker",
        function="bench.workers:no_op",
        databases="one",
    ),
    "orm": Row(
        about="the same with activities that read and write a row",
        function="bench.workers:orm",
        databases="all",
    ),
    "concurrency": Row(
        about="20 activities of 0.1 s and a query each: first start to last end",
        function="bench.workers:concurrency",
        databases="all",
    ),
    "outbox": Row(
        about="50 starts a second through the outbox: commit to start, against a bare start_workflow",
        function="bench.starts:through_the_outbox",
        databases="postgresql",
    ),
    "batch": Row(
        about="a batch against a loop, against a bare SDK workflow with the same write, against an activity for each row",
        function="bench.batches:against_others",
        databases="all",
    ),
    "growth": Row(
        about="a batch of 1,000 to 1,000,000 rows: rows a second, events and peak memory",
        function="bench.batches:growth",
        databases="all",
    ),
}
