"""`make bench`: what rendering costs with each engine, beside what starting the engine costs.

Each figure is the median of ten whole processes, as a user starts them. The table is followed by the same as JSON.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RUNS = 10


def seconds(command: Sequence[str]) -> float:
    """Wall-clock time of one process. Raises CalledProcessError when it fails."""
    begun = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begun


def measure(engine: str, scratch: Path) -> dict[str, float]:
    """Median seconds of starting an engine and of rendering with it, taken in turns so that both see the same machine."""
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
    started, rendered = statistics.median(starts[1:]), statistics.median(renders[1:])
    return {"start": round(started, 3), "render": round(rendered, 3), "over start": round(rendered - started, 3)}


def main() -> None:
    """Print the table and the JSON."""
    with tempfile.TemporaryDirectory(prefix="kairon-bench-") as scratch:
        figures = {engine: measure(engine, Path(scratch)) for engine in ("cookiecutter", "copier")}
    print(f"  {'seconds':<14}{'start':>10}{'render':>10}{'over start':>12}")
    for engine, row in figures.items():
        print(f"  {engine:<14}{row['start']:>10.3f}{row['render']:>10.3f}{row['over start']:>12.3f}")
    print(json.dumps({"runs": RUNS, "seconds": figures}))


if __name__ == "__main__":
    main()
