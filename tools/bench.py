"""`make bench`: what rendering costs with each engine, beside what starting the engine costs.

Each figure is the median of ten whole processes, as a user starts them: seconds on the clock, and seconds of processor
time, which say the same on a busy machine. The table is followed by the same as JSON.
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RUNS = 10
COLUMNS = ("start", "render", "over start", "start, cpu", "render, cpu", "over start, cpu")


def seconds(command: Sequence[str]) -> tuple[float, float]:
    """Clock and processor time of one process and its children. Raises CalledProcessError when it fails."""
    begun, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - begun, after.ru_utime - used.ru_utime + after.ru_stime - used.ru_stime


def measure(engine: str, scratch: Path) -> dict[str, float]:
    """Medians for starting an engine and for rendering with it, taken in turns so that both see the same machine."""
    start = [sys.executable, "-m", engine, "--version"]
    starts, renders = [], []
    # One more round than counted: the first fills the file cache and compiles bytecode.
    for number in range(RUNS + 1):
        folder = str(scratch / f"{engine}-{number}")
        render = {
            "cookiecutter": ["--no-input", "--default-config", "--output-dir", folder, str(ROOT)],
            "copier": ["copy", "--defaults", "--quiet", "--vcs-ref", "HEAD", str(ROOT), folder],
        }[engine]
        starts.append(seconds(start))
        renders.append(seconds([sys.executable, "-m", engine, *render]))
    figures: list[float] = []
    for kind in (0, 1):
        started, rendered = (statistics.median(run[kind] for run in runs[1:]) for runs in (starts, renders))
        figures += [started, rendered, rendered - started]
    return {name: round(figure, 3) for name, figure in zip(COLUMNS, figures, strict=True)}


def main() -> None:
    """Print the table and the JSON."""
    with tempfile.TemporaryDirectory(prefix="kairon-bench-") as scratch:
        table = {engine: measure(engine, Path(scratch)) for engine in ("cookiecutter", "copier")}
    print(f"  {'seconds':<14}" + "".join(f"{name:>17}" for name in COLUMNS))
    for engine, row in table.items():
        print(f"  {engine:<14}" + "".join(f"{row[name]:>17.3f}" for name in COLUMNS))
    print(json.dumps({"runs": RUNS, "seconds": table}))


if __name__ == "__main__":
    main()
