"""The picture of a definition: where each step stands and how lines lead from one to the next. Drawn by _graph.html.

Steps stand in rows, each below all that lead to it. A line over several rows keeps a narrow place in each of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from apps.workflows.definitions import DefinitionDoc, EdgeDoc, StepDoc, in_order
from apps.workflows.kinds import base

# Units of the drawing, which are pixels where there is room.
WIDTH: Final = 200
HEIGHT: Final = 54
ACROSS: Final = 28
DOWN: Final = 56
LANE: Final = 20
LETTER: Final = 6.6
ABOVE: Final = 14
MARGIN: Final = 4.0
# Broader ones are not made smaller to fit: their texts could not be read.
BROAD: Final = 700
NAME_SHOWN: Final = 22
CONDITION_SHOWN: Final = 26
SWEEPS: Final = 4
# The picture of more says nothing to anybody.
MAX_DRAWN: Final = 200
type Place = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a step looks like beside its name: a tone of the style sheet, and words in the place of its kind."""

    tone: str = ""
    words: str = ""
    went_to: str = ""


@dataclass(frozen=True, kw_only=True)
class Node:
    """A step. `x` and `y` are its upper left corner."""

    key: str
    name: str
    words: str
    tone: str
    x: float
    y: float

    @property
    def shown(self) -> str:
        """As much of its name as there is room for."""
        return _short(self.name, NAME_SHOWN)

    @property
    def middle(self) -> float:
        """Where its texts stand."""
        return self.x + WIDTH / 2

    @property
    def name_y(self) -> float:
        """The base line of its name."""
        return self.y + HEIGHT * 0.44

    @property
    def words_y(self) -> float:
        """The base line of its words."""
        return self.y + HEIGHT * 0.78


@dataclass(frozen=True, kw_only=True)
class Line:
    """A way from one step to another, with what decides for it."""

    path: str
    label: str
    x: float
    y: float
    is_taken: bool

    @property
    def shown(self) -> str:
        """As much of its condition as there is room for."""
        return _short(self.label, CONDITION_SHOWN)


@dataclass(frozen=True, kw_only=True)
class Graph:
    """All of it."""

    nodes: Sequence[Node]
    lines: Sequence[Line]
    width: float
    height: float
    step_width: int = WIDTH
    step_height: int = HEIGHT

    @property
    def is_broad(self) -> bool:
        """Whether it is looked at in parts."""
        return self.width > BROAD


@dataclass
class _Rows:
    """The rows of steps and of lanes, which are pairs of keys: the line's source and target, and the row."""

    rows: list[list[str]]
    lanes: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    neighbours: dict[str, list[str]] = field(default_factory=dict)


def drawn(document: DefinitionDoc, looks: Mapping[str, Look] | None = None) -> Graph | None:
    """The picture, with what each step looks like in an execution; none of a definition without steps or with too many."""
    if not 0 < len(document.steps) <= MAX_DRAWN:
        return None
    steps = {step.key: step for step in document.steps}
    ranks = _ranks(steps)
    rows = _in_rows(steps, ranks)
    _untangle(rows)
    places, width = _places(rows, _widths(steps, rows))
    found = {step.key: (looks or {}).get(step.key, Look()) for step in document.steps}
    nodes = [_node(step, places[step.key], found[step.key]) for step in document.steps]
    lines = [line for step in document.steps for line in _lines(step, places, rows, found[step.key].went_to)]
    height = len(rows.rows) * (HEIGHT + DOWN) - DOWN + 2 * MARGIN
    return Graph(nodes=nodes, lines=lines, width=width, height=height)


def _ranks(steps: Mapping[str, StepDoc]) -> dict[str, int]:
    """The row of each. Those of a loop, which a draft may have, come last in their order."""
    ordered = list(in_order(steps))
    ranks = dict.fromkeys(ordered, 0)
    for key in ordered:
        for edge in steps[key].next:
            if edge.to in ranks:
                ranks[edge.to] = max(ranks[edge.to], ranks[key] + 1)
    looping = [key for key in steps if key not in ranks]
    last = max(ranks.values(), default=-1)
    return ranks | {key: last + number for number, key in enumerate(looping, start=1)}


def _in_rows(steps: Mapping[str, StepDoc], ranks: Mapping[str, int]) -> _Rows:
    found = _Rows(rows=[[] for _ in range(max(ranks.values()) + 1)])
    for key in steps:
        found.rows[ranks[key]].append(key)
    for key, step in steps.items():
        for edge in step.next:
            if edge.to not in steps or (key, edge.to) in found.lanes:
                continue
            lanes = [f"{key}>{edge.to}>{rank}" for rank in range(ranks[key] + 1, ranks[edge.to])]
            found.lanes[key, edge.to] = lanes
            for rank, lane in enumerate(lanes, start=ranks[key] + 1):
                found.rows[rank].append(lane)
            for one, other in zip([key, *lanes], [*lanes, edge.to], strict=True):
                found.neighbours.setdefault(one, []).append(other)
                found.neighbours.setdefault(other, []).append(one)
    return found


def _untangle(rows: _Rows) -> None:
    """Bring each row into the order of what it is connected with in the row before, down and up a few times."""
    for sweep in range(SWEEPS):
        order = rows.rows if sweep % 2 == 0 else rows.rows[::-1]
        for before, row in pairwise(order):
            places = {key: (number + 0.5) / len(before) for number, key in enumerate(before)}
            now = {key: (number + 0.5) / len(row) for number, key in enumerate(row)}
            row.sort(key=lambda key: _mean([places[each] for each in rows.neighbours.get(key, ()) if each in places], now[key]))


def _places(rows: _Rows, widths: Mapping[str, float]) -> tuple[dict[str, Place], float]:
    """The upper middle of each step and lane, and how broad the whole is."""
    totals = [sum(widths[key] + ACROSS for key in row) - ACROSS for row in rows.rows]
    broadest = max(totals)
    places: dict[str, Place] = {}
    for number, (row, total) in enumerate(zip(rows.rows, totals, strict=True)):
        x = (broadest - total) / 2 + MARGIN
        for key in row:
            places[key] = (x + widths[key] / 2, number * (HEIGHT + DOWN) + MARGIN)
            x += widths[key] + ACROSS
    return places, broadest + 2 * MARGIN


def _widths(steps: Mapping[str, StepDoc], rows: _Rows) -> dict[str, float]:
    """Steps are all alike; the first lane of a line has room for what decides for it."""
    widths: dict[str, float] = dict.fromkeys(steps, WIDTH)
    for (source, target), lanes in rows.lanes.items():
        labels = [_short(_label(steps[source], edge), CONDITION_SHOWN) for edge in steps[source].next if edge.to == target]
        widths |= dict.fromkeys(lanes, LANE) | dict.fromkeys(lanes[:1], max(LANE, *(LETTER * len(label) for label in labels)))
    return widths


def _node(step: StepDoc, place: Place, look: Look) -> Node:
    kind = base.kinds().get(step.kind)
    words = look.words or (kind.shown if kind else step.kind)
    return Node(key=step.key, name=step.name, words=words, tone=look.tone, x=place[0] - WIDTH / 2, y=place[1])


def _lines(step: StepDoc, places: Mapping[str, Place], rows: _Rows, went_to: str) -> Iterator[Line]:
    for edge in step.next:
        if edge.to in places:
            label = _label(step, edge)
            path, x, y = _path([step.key, *rows.lanes[step.key, edge.to], edge.to], places)
            yield Line(path=path, label=label, x=x, y=y, is_taken=went_to == edge.to)


def _path(keys: Sequence[str], places: Mapping[str, Place]) -> tuple[str, float, float]:
    """A line through its lanes, and where its label stands: above the first that it leads to."""
    x, y = places[keys[0]][0], places[keys[0]][1] + HEIGHT
    path = [f"M{x:g} {y:g}"]
    for number, key in enumerate(keys[1:], start=1):
        to_x, to_y = places[key]
        path.append(f"C{x:g} {y + DOWN / 2:g} {to_x:g} {to_y - DOWN / 2:g} {to_x:g} {to_y:g}")
        x, y = to_x, to_y
        if number < len(keys) - 1:
            y += HEIGHT
            path.append(f"V{y:g}")
    return " ".join(path), places[keys[1]][0], places[keys[1]][1] - ABOVE


def _label(step: StepDoc, edge: EdgeDoc) -> str:
    return edge.condition or ("otherwise" if len(step.next) > 1 else "")


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _short(text: str, size: int) -> str:
    return text if len(text) <= size else text[: size - 1].rstrip() + "…"
