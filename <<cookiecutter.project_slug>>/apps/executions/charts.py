"""Charts as SVG: static/css/charts.css colours them on the site, their own colours stand elsewhere.

No style attributes, which the site's policy refuses. Each says in words what it shows; beside it stands a table.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log10

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH = 400
LEFT, RIGHT, TOP, BAR_HEIGHT, BOTTOM = 48, 14, 8, 140, 22
ROW = 34
# The colours of a chart that no style sheet reaches, by what they mean.
TONES = {"good": "#1c6b3a", "bad": "#a3261f", "quiet": "#8a96a1", "busy": "#1f5f8b"}
INK = "#51606e"
# What the marks of an axis of durations may be, in seconds.
MARKS = {
    0.01: "10 ms",
    0.1: "0.1 s",
    1: "1 s",
    10: "10 s",
    60: "1 min",
    600: "10 min",
    3_600: "1 h",
    36_000: "10 h",
    86_400: "1 d",
    864_000: "10 d",
}
HOUR, DAY = 3_600, 86_400
UNKNOWN = "–"


@dataclass(frozen=True)
class Series:
    """One colour of the bars: a value for each label."""

    name: str
    tone: str
    values: Sequence[int]


@dataclass(frozen=True)
class Span:
    """From where to where something reaches, in seconds."""

    label: str
    low: float
    high: float


@dataclass(frozen=True)
class Stretch:
    """Something that was waited for, then done."""

    label: str
    tone: str
    waiting_from: datetime
    started: datetime
    ended: datetime


def bars(name: str, title: str, labels: Sequence[str], series: Sequence[Series]) -> SafeString:
    """Stacked bars, one for each label. `name` is the chart's id on its page."""
    totals = [sum(values) for values in zip(*(each.values for each in series), strict=True)]
    top = _round_up(max(totals, default=0))
    step = (WIDTH - LEFT - RIGHT) / max(len(labels), 1)
    drawn = [*_levels(top)]
    for place, label in enumerate(labels):
        left, floor = LEFT + place * step, float(TOP + BAR_HEIGHT)
        for each in series:
            height = BAR_HEIGHT * each.values[place] / top
            if height:
                floor -= height
                told = f"{label}: {each.values[place]} {each.name}"
                drawn.append(_box(each.tone, told, at=(left + 2, floor), size=(step - 4, height)))
        # Every other label, the last one among them: all of them do not fit a phone.
        if (len(labels) - place) % 2:
            drawn.append(_text(left + step / 2, TOP + BAR_HEIGHT + 15, label, "middle"))
    told = ", ".join(f"{sum(each.values)} {each.name}" for each in series)
    return _chart(name, title, f"{sum(totals)} in all: {told}.", TOP + BAR_HEIGHT + BOTTOM, drawn)


def spans(name: str, title: str, rows: Sequence[Span]) -> SafeString:
    """For each row a line from `low` to `high` on a scale of durations that grows by factors."""
    ends = [max(value, 0.001) for row in rows for value in (row.low, row.high)] or [1.0]
    # A decade at least, so that there is a mark in it.
    least, most = log10(min(ends) / 3.2), log10(max(ends) * 3.2)
    floor = TOP + ROW * len(rows)

    def across(seconds: float) -> float:
        return 2 * RIGHT + (WIDTH - 4 * RIGHT) * (log10(max(seconds, 0.001)) - least) / (most - least)

    drawn = []
    for seconds, shown in MARKS.items():
        if least <= log10(seconds) <= most:
            drawn += [
                _line("grid", across(seconds), TOP, across(seconds), floor),
                _text(across(seconds), floor + 15, shown, "middle"),
            ]
    for place, row in enumerate(rows):
        y = TOP + ROW * place + 24
        low, high = across(row.low), across(row.high)
        drawn += [
            _text(RIGHT, y - 10, row.label, "start"),
            _line("reach", low, y, high, y),
            _dot("busy", low, y, f"{row.label}: half take at most {duration(row.low)}"),
            _dot("bad", high, y, f"{row.label}: 95 % take at most {duration(row.high)}"),
        ]
    told = "; ".join(f"{row.label} {duration(row.low)} to {duration(row.high)}" for row in rows)
    return _chart(name, title, f"{told or 'Nothing'}.", floor + BOTTOM, drawn)


def timeline(name: str, title: str, rows: Sequence[Stretch]) -> SafeString:
    """When what ran, to scale: pale while it waited, in its tone while it was done."""
    begin = min((row.waiting_from for row in rows), default=None)
    end = max((row.ended for row in rows), default=None)
    whole = max(end - begin, timedelta(milliseconds=1)) if begin and end else timedelta(milliseconds=1)

    def across(moment: datetime) -> float:
        return (WIDTH - 2) * ((moment - begin) / whole) if begin else 0

    drawn = []
    for place, row in enumerate(rows):
        y, took = TOP + ROW / 1.5 * place, duration((row.ended - row.started).total_seconds())
        waiting, started, ended = across(row.waiting_from), across(row.started), across(row.ended)
        drawn += [
            _text(0, y + 9, f"{row.label}, {took}", "start"),
            _box("quiet", f"{row.label} waited", at=(waiting, y + 12), size=(max(started - waiting, 0), 6)),
            _box(row.tone, f"{row.label}: {took}", at=(started, y + 12), size=(max(ended - started, 1), 6)),
        ]
    told = f"{len(rows)} tasks in {duration(whole.total_seconds())}."
    return _chart(name, title, told, TOP + ROW / 1.5 * len(rows) + 4, drawn)


def duration(seconds: float | None) -> str:
    """Seconds as people read them: 35 ms, 1.2 s, 3 min 5 s, 2 h 10 min, 3 d 4 h. A dash for what is not known."""
    if seconds is None:
        return UNKNOWN
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 60:  # noqa: PLR2004  a minute
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < HOUR:
        return f"{whole // 60} min {whole % 60} s"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // 60} min"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"


def _chart(name: str, title: str, told: str, height: float, drawn: Iterable[SafeString]) -> SafeString:
    return format_html(
        '<svg class="chart" role="img" aria-labelledby="{}-title {}-told" viewBox="0 0 {} {}" font-family="sans-serif">'
        '<title id="{}-title">{}</title><desc id="{}-told">{}</desc>{}</svg>',
        *(name, name, WIDTH, f"{height:g}", name, title, name, told),
        format_html_join("", "{}", ((each,) for each in drawn)),
    )


def _levels(top: int) -> Iterator[SafeString]:
    for level in sorted({0, top // 2, top}):
        y = TOP + BAR_HEIGHT * (1 - level / top)
        yield _line("grid", LEFT, y, WIDTH, y)
        yield _text(LEFT - 5, y + 4, f"{level:,}", "end")


def _round_up(most: int) -> int:
    """The end of an axis: 1, 2, 4, 6, 8 or 10 times a power of ten."""
    unit = int("1" + "0" * (len(str(most)) - 1))
    return next(unit * factor for factor in (1, 2, 4, 6, 8, 10) if unit * factor >= most)


def _box(tone: str, told: str, *, at: tuple[float, float], size: tuple[float, float]) -> SafeString:
    return format_html(
        '<rect class="{}" fill="{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>',
        *(tone, TONES[tone], *_rounded(*at, *size), told),
    )


def _dot(tone: str, x: float, y: float, told: str) -> SafeString:
    return format_html(
        '<circle class="{}" fill="{}" cx="{}" cy="{}" r="5"><title>{}</title></circle>', tone, TONES[tone], *_rounded(x, y), told
    )


def _line(kind: str, *ends: float) -> SafeString:
    return format_html(
        '<line class="{}" stroke="{}" stroke-width="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>',
        *(kind, TONES["quiet"], 3 if kind == "reach" else 0.5, *_rounded(*ends)),
    )


def _text(x: float, y: float, text: str, anchor: str) -> SafeString:
    return format_html(
        '<text fill="{}" font-size="11" text-anchor="{}" x="{}" y="{}">{}</text>', INK, anchor, *_rounded(x, y), text
    )


def _rounded(*values: float) -> list[str]:
    return [f"{value:.2f}" for value in values]
