"""Charts are to scale, well-formed, told in words, and have no code or style in them."""

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest

from apps.executions import charts
from apps.executions.charts import Series, Span, Stretch

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def read(chart: str) -> ElementTree.Element:
    return ElementTree.fromstring(chart)  # noqa: S314  our own


def boxes(chart: str) -> list[dict[str, str]]:
    return [dict(box.attrib) for box in read(chart).iter("rect")]


def words(chart: str) -> str:
    return read(chart).findtext("desc") or ""


def test_bars_are_stacked_to_scale() -> None:
    chart = charts.bars("x", "By the day", ["Mon", "Tue"], [Series("good", "good", [3, 0]), Series("bad", "bad", [1, 2])])

    first, second, third = boxes(chart)
    assert (first["class"], second["class"], third["class"]) == ("good", "bad", "bad")
    assert float(first["height"]) == pytest.approx(3 * float(second["height"]), abs=0.02)
    assert float(second["y"]) + float(second["height"]) == pytest.approx(float(first["y"]), abs=0.02)
    assert float(third["height"]) == pytest.approx(2 * float(second["height"]), abs=0.02)
    assert float(third["x"]) > float(first["x"])
    assert words(chart) == "6 in all: 3 good, 3 bad."


@pytest.mark.parametrize(
    ("most", "end"), [(0, 1), (1, 1), (3, 4), (10, 10), (11, 20), (99, 100), (100_000, 100_000), (410_000, 600_000)]
)
def test_an_axis_ends_at_a_round_number(most: int, end: int) -> None:
    chart = charts.bars("x", "One", ["Mon"], [Series("good", "good", [most])])

    assert f">{end:,}</text>" in chart


def test_durations_lie_on_a_scale_of_factors() -> None:
    chart = charts.spans("x", "Durations", [Span("Short", 0.1, 1), Span("Long", 10, 100)])

    low, high, longer, longest = (float(dot.attrib["cx"]) for dot in read(chart).iter("circle"))
    assert high - low == pytest.approx(longest - longer, abs=0.02)
    assert words(chart) == "Short 100 ms to 1.0 s; Long 10.0 s to 1 min 40 s."


def test_a_timeline_is_to_scale_and_tells_waiting_from_work() -> None:
    rows = [
        Stretch("First", "good", NOON, NOON + SECOND, NOON + 4 * SECOND),
        Stretch("Then", "bad", NOON + 4 * SECOND, NOON + 4 * SECOND, NOON + 8 * SECOND),
    ]

    waited, worked, _, then = boxes(charts.timeline("x", "Tasks", rows))

    assert float(worked["width"]) == pytest.approx(3 * float(waited["width"]), abs=0.1)
    assert float(then["x"]) == pytest.approx(float(worked["x"]) + float(worked["width"]), abs=0.1)


def test_nothing_can_be_drawn() -> None:
    drawn = [charts.bars("x", "None", [], []), charts.spans("x", "None", []), charts.timeline("x", "None", [])]

    assert all(read(chart).attrib["role"] == "img" for chart in drawn)


def test_names_are_text_and_no_style_stands_in_a_chart() -> None:
    wicked = "<script>alert(1)</script>"
    stretch = Stretch(wicked, "good", NOON, NOON, NOON)

    drawn = [
        charts.bars("x", wicked, [wicked], []),
        charts.spans("x", wicked, [Span(wicked, 1, 2)]),
        charts.timeline("x", wicked, [stretch]),
    ]

    assert not any("<script" in chart or "style=" in chart for chart in drawn)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "–"),
        (0.0354, "35 ms"),
        (1.24, "1.2 s"),
        (185, "3 min 5 s"),
        (3599.7, "1 h 0 min"),
        (7_800, "2 h 10 min"),
        (273_600, "3 d 4 h"),
    ],
)
def test_durations_read_well(seconds: float | None, shown: str) -> None:
    assert charts.duration(seconds) == shown
