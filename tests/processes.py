"""What the tests of running projects need to know about processes."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path


def listed() -> list[tuple[int, int, str]]:
    """Process id, parent's id and command line of every process."""
    printed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = (line.split(maxsplit=2) for line in printed.splitlines())
    return [(int(pid), int(parent), "".join(args)) for pid, parent, *args in rows]


def running_in(folder: Path) -> list[str]:
    """The command lines that name a folder: a project's Python and its server do."""
    return [args for _, _, args in listed() if str(folder) in args]


def family(pid: int) -> set[int]:
    """A process and all that came from it."""
    found, processes = {pid}, listed()
    while more := {child for child, parent, _ in processes if parent in found} - found:
        found |= more
    return found


def wait_until(true: Callable[[], bool], seconds: float = 300) -> None:
    """Return once it is true. Raises AssertionError when it is not at a look that began after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        last = time.monotonic() > deadline
        if true():
            return
        assert not last, f"not within {seconds} s"
        time.sleep(0.2)
