"""The picture of a definition."""

import re

from apps.workflows import graph
from apps.workflows.definitions import DefinitionDoc, StepDoc
from apps.workflows.tests.test_editing import LINE, document


def of(definition: DefinitionDoc, **looks: graph.Look) -> graph.Graph:
    found = graph.drawn(definition, looks)
    assert found is not None
    return found


def test_each_step_stands_below_all_that_lead_to_it() -> None:
    places = {node.key: node.y for node in of(document(("a", [("c", "x"), ("b", "")]), ("b", [("c", "")]), ("c", []))).nodes}

    assert places["a"] < places["b"] < places["c"]


def test_steps_and_lines_keep_out_of_each_others_way() -> None:
    skipping = of(document(("a", [("b", "input.x > 1"), ("c", "")]), ("b", [("c", "")]), ("c", [])))
    boxes = {node.key: (node.x, node.x + graph.WIDTH) for node in skipping.nodes}
    (down,) = [float(line.path.split("V")[0].split()[-2]) for line in skipping.lines if "V" in line.path]

    assert not boxes["b"][0] <= down <= boxes["b"][1]
    assert all(left >= 0 and right <= skipping.width for left, right in boxes.values())


def test_branches_stand_side_by_side() -> None:
    nodes = of(document(("a", [("b", "x"), ("c", "y"), ("d", "")]), ("b", []), ("c", []), ("d", []))).nodes[1:]

    assert len({node.y for node in nodes}) == 1
    assert all(abs(one.x - other.x) >= graph.WIDTH for one in nodes for other in nodes if one is not other)


def test_lines_do_not_cross_where_they_need_not() -> None:
    crossed = document(("a", [("b", "x"), ("c", "")]), ("b", [("e", "")]), ("c", [("d", "")]), ("d", []), ("e", []))
    x = {node.key: node.x for node in of(crossed).nodes}

    assert (x["b"] < x["c"]) == (x["e"] < x["d"])


def test_a_line_says_what_decides_for_it_and_whether_it_was_gone() -> None:
    branching = document(("a", [("b", "input.amount > 100"), ("c", "")]), ("b", []), ("c", []))

    lines = of(branching, a=graph.Look(went_to="c")).lines

    assert [(line.label, line.is_taken) for line in lines] == [("input.amount > 100", False), ("otherwise", True)]
    assert [line.label for line in of(LINE).lines] == ["", ""]


def test_loops_and_missing_steps_of_a_draft_are_drawn_all_the_same() -> None:
    looping = document(("a", [("b", "")]), ("b", [("a", "x"), ("b", "y"), ("nowhere", "")]))

    found = of(looping)

    assert len(found.nodes) == 2
    assert len(found.lines) == 3
    assert all(re.fullmatch(r"[MCV0-9. -]+", line.path) for line in found.lines)


def test_long_names_are_cut_and_very_many_steps_are_not_drawn() -> None:
    step = StepDoc(key="a", kind="no-such-kind", name=50 * "x")
    many = [StepDoc(key=f"s{number}", kind="values", name="S") for number in range(graph.MAX_DRAWN + 1)]

    assert of(DefinitionDoc(name="Example", steps=[step])).nodes[0].shown.endswith("x…")
    assert graph.drawn(DefinitionDoc(name="Example", steps=many)) is None
    assert graph.drawn(DefinitionDoc(name="Example")) is None
