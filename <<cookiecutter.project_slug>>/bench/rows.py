"""The rows of the bench by name."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Row:
    """`function` is module:name. With `once` it needs one database, PostgreSQL where there is one; else it takes each in turn."""

    about: str
    function: str
    once: bool = False


ROWS = {
    "startup": Row(
        about="a worker's process: its start to its first poll, with bytecode and without, against a bare SDK worker with Django",
        function="bench.startup:to_first_poll",
        once=True,
    ),
    "noop": Row(
        about="workflows of three activities that do nothing, 50 at once, against a bare SDK worker",
        function="bench.workers:no_op",
        once=True,
    ),
    "orm": Row(
        about="the same with activities that read and write a row",
        function="bench.workers:orm",
    ),
    "executions": Row(
        about="the same with each execution and task written to the database, against the same worker that writes none",
        function="bench.workers:executions",
    ),
    "concurrency": Row(
        about="20 activities of 0.1 s and a query each: first start to last end",
        function="bench.workers:concurrency",
    ),
    "outbox": Row(
        about="50 starts a second through the outbox: commit to start, against a bare start_workflow",
        function="bench.starts:through_the_outbox",
    ),
    "batch": Row(
        about="a batch against a loop, against a bare SDK workflow with the same write, against an activity for each row",
        function="bench.batches:against_others",
    ),
    "growth": Row(
        about="a batch of 1,000 to 1,000,000 rows: rows a second, events and peak memory",
        function="bench.batches:growth",
    ),
}
