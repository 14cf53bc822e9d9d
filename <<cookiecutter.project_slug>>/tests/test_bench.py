"""The bench runs. What it measures is read by people: a test machine is no place for limits on time."""

import json
import subprocess
import sys
from pathlib import Path

from django.conf import settings

from bench.figures import Figure, percentile, take_turns
from bench.rows import ROWS

ROOT = Path(__file__).resolve().parents[1]


def test_every_row_gives_figures(tmp_path: Path) -> None:
    engine = settings.DATABASES["default"]["ENGINE"].rpartition(".")[2].removesuffix("3")
    command = [sys.executable, "-m", "bench", "--size", "tiny", "--database", engine, "--output", str(tmp_path / "bench.json")]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=1800)

    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "bench.json").read_text())
    assert {figure["row"] for figure in report["figures"]} == set(ROWS)
    assert {figure["database"] for figure in report["figures"]} == {engine}
    assert [figure for figure in report["figures"] if min(figure["ours"]) <= 0] == []
    assert "20 activities of 0.1 s" in done.stdout


def test_sides_take_turns_and_each_begins_a_round() -> None:
    order: list[str] = []

    results = take_turns(3, lambda: order.append("a"), lambda: order.append("b"), lambda: order.append("c"))

    assert "".join(order) == "abcbcacab"
    assert [len(result) for result in results] == [3, 3, 3]


def test_a_figure_is_judged_round_by_round_by_its_median() -> None:
    figure = Figure(what="w", unit="s", ours=[2, 9, 4], against="other", theirs=[1, 3, 4], at_most=2)

    assert figure.judged() == [2, 3, 1]
    assert figure.holds()
    assert not Figure(what="w", unit="s", ours=[2, 9, 4], theirs=[1, 3, 4], at_most=1.9).holds()
    assert Figure(what="w", unit="s", ours=[2, 9, 4], theirs=[1, 3, 4], compare="difference", at_most=1).judged() == [1, 6, 0]
    assert Figure(what="w", unit="s", ours=[2], compare="value").holds() is None


def test_a_percentile_is_a_sample() -> None:
    assert percentile([3, 1, 2], 0.5) == 2
    assert percentile(list(range(100)), 0.95) == 95
    assert percentile([7], 0.95) == 7
