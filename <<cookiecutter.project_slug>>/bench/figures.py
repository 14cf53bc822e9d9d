"""What a row of the bench has measured, and how it is compared and shown."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much each row does. `rounds` is how often every side of a comparison has its turn."""

    rounds: int
    workflows: int
    starts: int
    rows: int
    items: int
    growth: tuple[int, ...]
    bytecode: bool = True


SIZES = {
    "full": Size(rounds=5, workflows=300, starts=300, rows=100_000, items=1_000, growth=(1_000, 10_000, 100_000, 1_000_000)),
    "usual": Size(rounds=3, workflows=200, starts=200, rows=50_000, items=1_000, growth=(1_000, 10_000, 100_000, 1_000_000)),
    "quick": Size(rounds=3, workflows=60, starts=100, rows=20_000, items=300, growth=(1_000, 10_000, 100_000)),
    "tiny": Size(rounds=1, workflows=3, starts=3, rows=30, items=3, growth=(40,), bytecode=False),
}


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line: a sample of this project for each round and, where there is something to hold it against, one of that.

    `compare` says what is judged: the ratio or the difference of the two, round by round, or this project's value alone.
    """

    what: str
    unit: str
    ours: Sequence[float]
    against: str = ""
    theirs: Sequence[float] = ()
    compare: Literal["ratio", "difference", "value"] = "ratio"
    at_least: float | None = None
    at_most: float | None = None
    row: str = ""
    database: str = ""

    def judged(self) -> list[float]:
        """What is judged, for each round."""
        match self.compare:
            case "ratio":
                return [ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True)]
            case "difference":
                return [ours - theirs for ours, theirs in zip(self.ours, self.theirs, strict=True)]
            case "value":
                return list(self.ours)

    def holds(self) -> bool | None:
        """Whether the median is within the limit. None when there is none."""
        if self.at_least is None and self.at_most is None:
            return None
        middle = median(self.judged())
        return (self.at_least is None or middle >= self.at_least) and (self.at_most is None or middle <= self.at_most)

    def as_json(self) -> dict[str, Any]:
        """The figure with its samples, its median and its verdict."""
        return {**asdict(self), "median": median(self.judged()), "holds": self.holds()}


def take_turns[T](rounds: int, *sides: Callable[[], T]) -> list[list[T]]:
    """Call every side once a round and give each side's results. Each round begins with another side.

    A machine gets slower and faster by itself: what is compared must lie close together in time.
    """
    results: list[list[T]] = [[] for _ in sides]
    for number in range(rounds):
        for offset in range(len(sides)):
            side = (number + offset) % len(sides)
            results[side].append(sides[side]())
    return results


def percentile(samples: Sequence[float], share: float) -> float:
    """The sample below which so much of them lies: 0.95 for p95."""
    return sorted(samples)[min(int(len(samples) * share), len(samples) - 1)]


THREE_DIGITS = 1_000
HEADINGS = ("", "database", "here", "against", "judged", "spread", "wanted", "")


def table(figures: Sequence[Figure]) -> str:
    """Figures as text: medians, the judged value, its smallest and largest round, the limit and whether it holds."""
    lines = [HEADINGS, *(_cells(figure) for figure in figures)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def _cells(figure: Figure) -> tuple[str, ...]:
    judged = figure.judged()
    limit = [f">= {_short(figure.at_least)}"] if figure.at_least is not None else []
    limit += [f"<= {_short(figure.at_most)}"] if figure.at_most is not None else []
    return (
        figure.what,
        figure.database,
        f"{_short(median(figure.ours))} {figure.unit}",
        f"{_short(median(figure.theirs))} {figure.against}" if figure.theirs else "",
        _short(median(judged)),
        f"{_short(min(judged))} .. {_short(max(judged))}" if len(judged) > 1 else "",
        " ".join(limit),
        {True: "holds", False: "MISSED", None: ""}[figure.holds()],
    )


def _short(value: float) -> str:
    return f"{value:.3g}" if abs(value) < THREE_DIGITS else f"{value:,.0f}"
