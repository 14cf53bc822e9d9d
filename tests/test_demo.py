"""`make demo` and `make bench`, typed as the README says."""

import json
import os
import re
import subprocess
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

from tests.engines import ROOT
from tests.processes import running_in, wait_until
from tools.demo import NO_ADDRESS, ROWS, UNREADABLE_NAME


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    # These tests may be run by make themselves: its own variables would reach the make below.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(["make", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def state(address: str) -> dict[str, str]:
    """What the project says of itself, well or not."""
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:
            said: dict[str, str] = json.load(answer)
            return said
    except HTTPError as error:
        with error:
            return {"answered": str(error.code)}


def table(printed: str) -> dict[str, list[str]]:
    """The rows of the demo's table by their names."""
    rows = re.findall(r"^  (workflow id|status|rows|failures listed|seconds|rows per second)  +(.*)$", printed, re.MULTILINE)
    return {name: cells.split() for name, cells in rows}


def test_the_demo_onboards_a_user_and_runs_a_batch_and_leaves_nothing_running(tmp_path: Path) -> None:
    done = make("demo", f"DIR={tmp_path}")

    assert done.returncode == 0, done.stdout + done.stderr
    shown = table(done.stdout)
    assert shown["workflow id"] == ["onboarding-1", "batch-demo"]
    assert shown["status"] == ["completed", "completed"]
    # The account of the demo itself is a row too.
    assert shown["rows"] == ["1", f"{ROWS - NO_ADDRESS + 1:,}"]
    assert shown["failures listed"] == ["0", str(UNREADABLE_NAME)]
    assert "4 mails written" in done.stdout
    # A process that was ended may take a moment to go.
    wait_until(lambda: running_in(tmp_path) == [])


def test_the_demo_can_be_kept_running(tmp_path: Path) -> None:
    done = make("demo", f"DIR={tmp_path}", "KEEP=1")
    assert done.returncode == 0, done.stdout + done.stderr

    (stop,) = re.findall(r"Stop it with: (kill .*)", done.stdout)
    (address,) = re.findall(r"web (http\S+)", done.stdout)
    try:
        # Temporal has half a second to answer.
        wait_until(lambda: state(f"{address}/health/ready") == {"database": "ok", "temporal": "ok"})
    finally:
        subprocess.run(stop.split(), check=True)
    wait_until(lambda: running_in(tmp_path) == [])


def test_a_demo_that_cannot_run_says_why_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "my_project").mkdir()

    done = make("demo", f"DIR={tmp_path}")

    assert done.returncode != 0
    assert re.search(r"^demo: cookiecutter failed: .*my_project.*$", done.stderr, re.MULTILINE)


def test_the_bench_prints_a_row_for_each_engine_and_the_same_as_json() -> None:
    done = make("--silent", "bench")

    assert done.returncode == 0, done.stderr
    *rows, last = done.stdout.splitlines()
    figures = json.loads(last)["seconds"]
    assert [row.split()[0] for row in rows] == ["seconds", *figures]
    assert figures.keys() == {"cookiecutter", "copier"}
    for row in figures.values():
        assert abs(row["render"] - row["start"] - row["over start"]) < 0.01
