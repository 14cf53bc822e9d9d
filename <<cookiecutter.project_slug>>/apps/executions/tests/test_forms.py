"""What people fill in: the input of a workflow by its schema, reasons, from where to try again."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from pydantic import Field, TypeAdapter

from apps.executions.catalog import Startable
from apps.executions.forms import InputForm
from apps.executions.models import Execution
from apps.executions.tests.rows import execution, person
from apps.temporal.models import OutboxMessage
from apps.users.models import User

pytestmark = pytest.mark.django_db

ONBOARDING = "/executions/new/?workflow=user_onboarding"
GIVEN = {"input-user_id": "7", "input-email": "ada@example.com", "input-name": "Ada"}


@dataclass
class Inner:
    city: str


@dataclass
class Wanted:
    name: str
    number: int
    kind: Literal["a", "b"]
    share: float = 0.5
    sure: bool = False
    words: list[str] = field(default_factory=list)
    place: Inner | None = None


def form(hint: Any, **given: str) -> InputForm:
    adapter = TypeAdapter(hint) if hint else None
    startable = Startable("w", "W", "", (), adapter, type)
    return InputForm(startable, {f"input-{name}": value for name, value in given.items()})


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def starter() -> Client:
    return browser(person("ada", "add_execution"))


def test_a_form_has_a_field_for_each_value_of_the_schema() -> None:
    kinds = {name: type(each).__name__ for name, each in form(Wanted).fields.items()}

    assert kinds == {
        "name": "CharField",
        "number": "IntegerField",
        "kind": "TypedChoiceField",
        "share": "FloatField",
        "sure": "BooleanField",
        "words": "JsonField",
        "place": "JsonField",
    }
    assert [name for name, each in form(Wanted).fields.items() if each.required] == ["name", "number", "kind"]


def test_what_is_filled_in_is_the_input_and_what_is_left_empty_is_left_out() -> None:
    full = form(Wanted, name="Ada", number="3", kind="b", share="0.25", sure="on", words='["x"]', place='{"city": "Bern"}')
    bare = form(Wanted, name="Ada", number="3", kind="a", share="", words="", place="")

    assert (full.is_valid(), bare.is_valid()) == (True, True)
    assert full.values == {
        "name": "Ada", "number": 3, "kind": "b", "share": 0.25, "sure": True, "words": ["x"], "place": {"city": "Bern"},
    }  # fmt: skip
    assert bare.values == {"name": "Ada", "number": 3, "kind": "a", "sure": False}


def test_a_choice_is_what_was_offered_and_no_text_of_it() -> None:
    @dataclass
    class Choosing:
        number: Literal[1, 2]
        odd: Annotated[list[int] | None, Field(json_schema_extra={"enum": [[1], [3]]})] = None

    chosen, wrong = form(Choosing, number="2", odd="[3]"), form(Choosing, number="3", odd="")

    assert (chosen.is_valid(), chosen.values) == (True, {"number": 2, "odd": [3]})
    assert (wrong.is_valid(), list(wrong.errors)) == (False, ["number"])
    assert '<option value="[3]" selected>[3]</option>' in chosen.as_div()


def test_what_was_typed_as_json_stands_there_again() -> None:
    wrong = form(Wanted, name="", number="3", kind="a", words='[ "x" ]', place="[NaN]")

    assert not wrong.is_valid()
    assert [wrong["words"].value(), wrong["place"].value()] == ['[ "x" ]', "[NaN]"]
    assert wrong.errors["place"] == ["This cannot be taken: NaN is no JSON."]


def test_an_input_without_fields_is_one_field_of_json_and_no_input_is_none() -> None:
    listed, nothing = form(list[int], input="[1, 2]"), form(None)

    assert (listed.is_valid(), listed.values) == (True, [1, 2])
    assert (nothing.is_valid(), nothing.values, list(nothing.fields)) == (True, None, [])


@pytest.mark.parametrize(
    ("given", "field"), [({"number": "x"}, "number"), ({"words": "[1"}, "words"), ({"kind": "c"}, "kind"), ({"name": ""}, "name")]
)
def test_what_cannot_be_is_said_at_its_field(given: dict[str, str], field: str) -> None:
    wrong = form(Wanted, **{"name": "Ada", "number": "3", "kind": "a"} | given)

    assert not wrong.is_valid()
    assert list(wrong.errors) == [field]


def test_what_the_workflow_finds_wrong_is_said_at_its_field() -> None:
    wrong = form(Wanted, name="Ada", number="3", kind="a", place='{"town": 1}')
    assert wrong.is_valid()

    wrong.refuse(ValidationError({"input.place.city": "Field required", "key": "Used before", "input": "There is one already"}))

    assert wrong.errors["place"] == ["city: Field required"]
    assert wrong.non_field_errors() == ["Used before", "There is one already"]


def test_an_execution_is_planned_or_started_at_once(starter: Client) -> None:
    planned = starter.post(ONBOARDING, GIVEN | {"plan": ""}, follow=True)
    started = starter.post(ONBOARDING, GIVEN | {"input-user_id": "8", "start": ""}, follow=True)

    assert planned.redirect_chain == [(f"/executions/{Execution.objects.get(temporal_workflow_id='onboarding-7').pk}/", 302)]
    assert ["Planned" in planned.content.decode(), "Queued" in started.content.decode()] == [True, True]
    assert OutboxMessage.objects.get().aggregate_id == "onboarding-8"


def test_a_second_click_starts_nothing_more(starter: Client) -> None:
    key = starter.get(ONBOARDING).context["key"]

    answers = [starter.post(ONBOARDING, GIVEN | {"start": "", "key": key}) for _ in range(2)]

    assert answers[0].headers["Location"] == answers[1].headers["Location"]
    assert OutboxMessage.objects.count() == 1


def test_what_is_wrong_stands_on_the_form_with_what_was_filled_in(starter: Client) -> None:
    answer = starter.post(ONBOARDING, GIVEN | {"input-user_id": "x", "start": ""})

    assert answer.context["form"].errors == {"user_id": ["Enter a whole number."]}
    assert 'value="ada@example.com"' in answer.content.decode()
    assert not Execution.objects.exists()


def test_what_is_there_already_is_named(starter: Client) -> None:
    starter.post(ONBOARDING, GIVEN | {"plan": ""})

    answer = starter.post(ONBOARDING, GIVEN | {"plan": ""})

    assert "There is an execution for this already" in answer.content.decode()


def test_starting_by_hand_needs_a_permission() -> None:
    answer = browser(person("bob")).post(ONBOARDING, GIVEN | {"start": ""})

    assert answer.status_code == 403
    assert "needs the permission executions.add_execution" in answer.content.decode()
    assert not Execution.objects.exists()


def test_workflows_are_chosen_by_name(starter: Client) -> None:
    for place in ("/executions/new/", "/executions/new/?workflow=nonsense"):
        shown = starter.get(place).content.decode()
        assert "User onboarding" in shown
        assert "?workflow=batch_processing" in shown


def test_an_owner_starts_cancels_and_resets_with_a_reason_in_the_audit_trail() -> None:
    ada = person("ada")
    planned, running, failed = (execution(status, ada) for status in ("pending", "running", "failed"))

    for row, action in ((planned, "start"), (running, "cancel"), (failed, "reset")):
        answer = browser(ada).post(f"/executions/{row.pk}/{action}/", {"reason": "why not", "to": "start"})
        assert answer.headers["Location"] == f"/executions/{row.pk}/"
        assert row.events.get().user == ada
        assert row.events.get().reason in {"why not", ""}

    failed.refresh_from_db()
    assert (failed.status, failed.attempt) == ("running", 2)


def test_what_cannot_be_done_where_it_stands_is_said_on_its_page() -> None:
    ada = person("ada")
    row = execution("completed", ada)

    answer = browser(ada).post(f"/executions/{row.pk}/cancel/", follow=True)

    assert "This execution is completed and cannot become canceled." in answer.content.decode()
    assert not row.events.exists()


def test_termination_is_never_without_a_reason() -> None:
    staff = person("staff", "view_execution", "terminate_execution")
    row = execution("running")

    refused = browser(staff).post(f"/executions/{row.pk}/terminate/", {"reason": " "})
    assert refused.context["form"].errors == {"reason": ["This field is required."]}
    browser(staff).post(f"/executions/{row.pk}/terminate/", {"reason": "stuck"})

    row.refresh_from_db()
    assert row.status == "terminated"
    assert row.events.get().reason == "stuck"
