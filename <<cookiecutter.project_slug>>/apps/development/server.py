"""The embedded Temporal server for development and tests: `python -m apps.development.server --help`.

It takes the `temporal` program that TEMPORAL_CLI or PATH names, else lets the SDK download one. It ends with its parent.
"""

import argparse
import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress

from temporalio.testing import WorkflowEnvironment

HOW_TO_GET_ONE = (
    "No Temporal server can be had: install the Temporal CLI (https://docs.temporal.io/cli, `brew install temporal`) "
    "or name it in TEMPORAL_CLI, or set TEMPORAL_ADDRESS to a server that runs."
)
ATTEMPTS = 12
# By default the server's queues are read 20 times a second and timers are shifted by up to 1 s: 350 ms for a workflow of
# three activities. With these it is 32 ms. For development and tests only: they cost an idle server some CPU.
DEV_SERVER_ARGS = (
    "--dynamic-config-value",
    "history.transferProcessorMaxPollRPS=2000",
    "--dynamic-config-value",
    "history.timerProcessorMaxPollRPS=2000",
    "--dynamic-config-value",
    'history.timerProcessorMaxTimeShift="1ms"',
    # A fair share of a queue for each tenant on it.
    "--dynamic-config-value",
    "matching.enableFairness=true",
)


def find_cli() -> str | None:
    """The path of the `temporal` program, or None when the SDK has to download it."""
    return os.environ.get("TEMPORAL_CLI") or shutil.which("temporal")


async def patiently(start: Callable[[], Awaitable[WorkflowEnvironment]]) -> WorkflowEnvironment:
    """Start a server. The SDK gives it 5 s; a busy machine may need them to read the program, so it gets them several times.

    Raises RuntimeError when it does not start.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return await start()
        except RuntimeError as error:
            if "did not start within" not in str(error):
                raise
    return await start()


async def serve(*, port: int, ui_port: int | None, namespace: str, database: str | None, extra: list[str]) -> None:
    """Run the server until SIGTERM, SIGINT or the death of the parent process. Prints `ready` once it answers."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    parent = os.getppid()

    def start() -> Awaitable[WorkflowEnvironment]:
        return WorkflowEnvironment.start_local(
            namespace=namespace,
            port=port,
            ui=ui_port is not None,
            ui_port=ui_port,
            dev_server_existing_path=find_cli(),
            dev_server_database_filename=database,
            dev_server_extra_args=extra,
        )

    parent_reads = os.fdopen(os.dup(1), "w")
    # The parent waits for one line: what the program itself says, sooner or later, is not it.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    async with await patiently(start):
        print("ready", file=parent_reads, flush=True)
        while not stop.is_set() and os.getppid() == parent:
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 1)


def main() -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=7233)
    parser.add_argument("--ui-port", type=int)
    parser.add_argument("--namespace", default="default")
    parser.add_argument("--database", help="SQLite file that keeps executions over restarts; without it they are in memory")
    options, extra = parser.parse_known_args()
    try:
        asyncio.run(
            serve(port=options.port, ui_port=options.ui_port, namespace=options.namespace, database=options.database, extra=extra)
        )
    except RuntimeError as error:
        print(f"{HOW_TO_GET_ONE}\n(what was tried said: {error})", file=sys.stderr, flush=True)  # noqa: T201  the sentence for the terminal
        # Not sys.exit: the SDK's own threads crash one process in three that ends in order right after this error.
        os._exit(1)


if __name__ == "__main__":
    main()
