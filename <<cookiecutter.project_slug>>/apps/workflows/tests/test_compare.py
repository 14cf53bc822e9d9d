"""What is different between two versions."""

from apps.workflows.compare import Difference, changes
from apps.workflows.definitions import DefinitionDoc, EdgeDoc, StepDoc

OLD = DefinitionDoc(
    name="Example",
    input_schema={"type": "object", "properties": {"amount": {"type": "integer"}}},
    steps=[
        StepDoc(key="a", kind="values", name="First", config={"values": {"x": "1"}}, next=[EdgeDoc(to="b")]),
        StepDoc(key="b", kind="condition", name="Second", next=[EdgeDoc(to="c", condition="input.amount > 1")]),
        StepDoc(key="c", kind="wait", name="Third", config={"hours": 1}, attempts=3),
    ],
)


def test_equal_versions_have_no_changes() -> None:
    assert changes(OLD, OLD.model_copy(deep=True)) == []


def test_steps_are_added_removed_and_changed_by_field() -> None:
    new = OLD.model_copy(deep=True)
    new.steps[0].config = {"values": {"x": "2"}}
    new.steps[1].next = [EdgeDoc(to="d", condition="input.amount > 1")]
    new.steps[2] = StepDoc(key="d", kind="wait", name="Fourth", config={"hours": 2})

    found = {(change.what, change.name): change for change in changes(OLD, new)}

    assert list(found) == [("changed", "First"), ("changed", "Second"), ("added", "Fourth"), ("removed", "Third")]
    assert found["changed", "First"].differences == (Difference(field="Values", before='x: "1"', after='x: "2"'),)
    assert found["changed", "Second"].differences[0].after == "Fourth, if input.amount > 1"


def test_the_fields_of_the_input_are_compared_too() -> None:
    new = OLD.model_copy(deep=True)
    new.input_schema = {"type": "object", "properties": {"amount": {"type": "integer"}}, "required": ["amount"]}

    (change,) = changes(OLD, new)

    assert change.name == "Input"
    assert [each.field for each in change.differences] == ["Field amount"]
    assert change.differences[0].after.endswith("needed")
