"""What an editor does to a document: steps come, go and move, and what leads to them follows."""

from apps.workflows import editing
from apps.workflows.definitions import DefinitionDoc, EdgeDoc, StepDoc


def document(*steps: tuple[str, list[tuple[str, str]]]) -> DefinitionDoc:
    """Steps with what follows them, each as target and condition."""
    return DefinitionDoc(
        name="Example",
        steps=[
            StepDoc(
                key=key, kind="values", name=key.title(), next=[EdgeDoc(to=to, condition=condition) for to, condition in ways]
            )
            for key, ways in steps
        ],
    )


def ways(changed: DefinitionDoc) -> dict[str, list[tuple[str, str]]]:
    return {step.key: [(edge.to, edge.condition) for edge in step.next] for step in changed.steps}


def new(key: str) -> StepDoc:
    return StepDoc(key=key, kind="values", name=key.title())


LINE = document(("a", [("b", "")]), ("b", [("c", "")]), ("c", []))


def test_a_step_is_put_on_the_way_behind_another() -> None:
    changed = editing.with_step(LINE, new("n"), after="a")

    assert list(ways(changed).items()) == [("a", [("n", "")]), ("n", [("b", "")]), ("b", [("c", "")]), ("c", [])]


def test_a_step_is_put_before_all_others() -> None:
    assert ways(editing.with_step(LINE, new("n")))["n"] == [("a", "")]
    assert ways(editing.with_step(document(), new("n"))) == {"n": []}


def test_a_step_with_a_condition_is_a_way_of_its_own_that_comes_back() -> None:
    changed = editing.with_step(LINE, new("n"), after="a", condition="input.x > 1")

    assert ways(changed)["a"] == [("n", "input.x > 1"), ("b", "")]
    assert ways(changed)["n"] == [("b", "")]


def test_what_led_to_a_deleted_step_leads_to_what_followed_it() -> None:
    assert ways(editing.without_step(LINE, "b")) == {"a": [("c", "")], "c": []}
    assert ways(editing.without_step(LINE, "c")) == {"a": [("b", "")], "b": []}


def test_a_condition_that_would_decide_nothing_goes_with_the_deleted_step() -> None:
    branching = document(("a", [("b", "input.x > 1"), ("c", "")]), ("b", [("c", "")]), ("c", []))

    assert ways(editing.without_step(branching, "b")) == {"a": [("c", "")], "c": []}


def test_steps_that_simply_follow_each_other_change_places_on_the_way_too() -> None:
    moved = editing.moved(LINE, "c", -1)

    assert list(ways(moved).items()) == [("a", [("c", "")]), ("c", [("b", "")]), ("b", [])]
    assert ways(editing.moved(LINE, "b", 1)) == ways(moved)
    assert list(ways(editing.moved(LINE, "b", -1))) == ["b", "a", "c"]


def test_steps_of_branches_move_in_the_list_alone() -> None:
    branching = document(("a", [("b", "input.x > 1"), ("c", "")]), ("b", []), ("c", []))

    assert list(ways(editing.moved(branching, "c", -1))) == ["a", "c", "b"]
    assert ways(editing.moved(branching, "b", -1)) == ways(branching)
    assert editing.moved(branching, "a", -1) == branching


def test_a_step_that_others_lead_to_moves_in_the_list_alone() -> None:
    joined = document(("a", [("x", "input.x > 1"), ("b", "")]), ("b", [("c", "")]), ("x", [("c", "")]), ("c", []))

    assert ways(editing.moved(joined, "c", -1)) == ways(joined)


def test_a_new_key_is_written_wherever_the_old_one_is_spoken_of() -> None:
    speaking = StepDoc(
        key="b",
        kind="values",
        name="B",
        config={"values": {"x": "{{ steps.a.output }} {{ steps.ab.output }}", "y": ["{{ steps.a }}"]}},
        next=[EdgeDoc(to="c", condition="steps.a.output > 1"), EdgeDoc(to="a")],
    )
    before = DefinitionDoc(name="Example", steps=[new("a"), speaking, new("c")])

    changed = editing.replaced(before, "a", new("first")).steps[1]

    assert changed.config == {"values": {"x": "{{ steps.first.output }} {{ steps.ab.output }}", "y": ["{{ steps.first }}"]}}
    assert [(edge.to, edge.condition) for edge in changed.next] == [("c", "steps.first.output > 1"), ("first", "")]


def test_a_document_is_never_changed_itself() -> None:
    before = LINE.model_dump()

    editing.with_step(LINE, new("n"), after="a", condition="true")
    editing.without_step(LINE, "b")
    editing.moved(LINE, "c", -1)

    assert LINE.model_dump() == before


def test_keys_are_made_of_names_and_are_free() -> None:
    taken = document(("send_mail", []), ("step", []))

    assert editing.free_key(taken, "Send mail") == "send_mail_2"
    assert editing.free_key(taken, "Ünï 3 Code") == "uni_3_code"
    assert editing.free_key(taken, "42") == "step_2"
    assert len(editing.free_key(taken, 90 * "x")) <= 50
