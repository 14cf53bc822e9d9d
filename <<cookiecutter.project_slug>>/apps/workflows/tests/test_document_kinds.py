"""Steps that make documents: once, of the project's own templates, with what the execution knows."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from apps.development.testing import Temporal
from apps.executions.events import effects_wanted_again
from apps.executions.models import Execution
from apps.temporal import relay
from apps.users.models import User
from apps.workflows import documents, services
from apps.workflows.document_models import DocumentTemplate, GeneratedDocument
from apps.workflows.documents import NoDocument
from apps.workflows.kinds import base
from apps.workflows.kinds.base import StepContext, StepError
from apps.workflows.models import Project, StepRun, Workflow
from apps.workflows.tests.office_files import powerpoint, powerpoint_runs, word, word_texts

pytestmark = pytest.mark.django_db

START = {"key": "start", "kind": "trigger", "name": "Start", "next": [{"to": "letter"}]}
LETTER: dict[str, Any] = {
    "key": "letter",
    "kind": "microsoft-word",
    "name": "Letter",
    "config": {"template": "letter", "file_name": "Letter to {{ input.name }}", "values": {"greeting": "Dear {{ input.name }}"}},
}
DECK = {"key": "deck", "kind": "microsoft-powerpoint", "name": "Deck", "config": {"template": "deck"}}


@pytest.fixture
def letter(project: Project, owner: User) -> DocumentTemplate:
    content = word(("{{ greeting }}", ", from {{ workflow.project }}"))
    return documents.store_template(project, user=owner, filename="Letter.docx", content=content)


@pytest.fixture
def execution(make_workflow: Callable[..., Workflow], owner: User) -> Execution:
    """One that makes a letter, and has not run."""
    workflow = make_workflow(START, LETTER)
    assert workflow.current is not None
    return services.start(workflow.current, values={"name": "Ada"}, user=owner)


def run(execution: Execution, *, step: str = "letter", index: int | None = None, **config: Any) -> Any:
    """Make the letter, as its step does."""
    kind = base.find("microsoft-word")
    context = {"input": execution.input, "workflow": {"project": "demo"}}
    key = f"{execution.temporal_workflow_id}:{step}"
    wanted = StepContext(execution_id=str(execution.pk), step=step, key=key, context=context, index=index)
    return kind.run(kind.rendered({"template": "letter"} | config, context), wanted)


def test_a_document_is_made_from_start_to_end(
    make_workflow: Callable[..., Workflow], project: Project, owner: User, letter: DocumentTemplate, temporal: Temporal
) -> None:
    documents.store_template(project, user=owner, filename="Deck.pptx", content=powerpoint("For {{ input", ".name }}"))
    workflow = make_workflow(START, {**LETTER, "next": [{"to": "deck"}]}, DECK)
    assert workflow.current is not None

    execution = services.start(workflow.current, values={"name": "Ada"}, user=owner)
    relay.deliver_all()
    temporal.run(temporal.client.get_workflow_handle(execution.temporal_workflow_id).result())

    deck, made = GeneratedDocument.objects.order_by("step")
    assert (made.filename, word_texts(bytes(made.content))) == ("Letter to Ada.docx", ["Dear Ada, from demo"])
    assert (deck.filename, powerpoint_runs(bytes(deck.content))[0]) == ("deck.pptx", ("For Ada", False))
    assert made.template == letter
    output: Any = StepRun.objects.get(key="letter").output
    assert (output["document_id"], output["size"], output["reused"]) == (str(made.pk), made.size, False)


def test_a_step_that_is_tried_again_makes_no_second_document(execution: Execution, letter: DocumentTemplate) -> None:
    first = run(execution, values={"greeting": "Hello"})
    # It could not be made of these.
    again = run(execution, values={})

    assert again == first | {"reused": True}
    assert GeneratedDocument.objects.count() == 1


def test_each_item_of_a_list_has_its_own_document(execution: Execution, letter: DocumentTemplate) -> None:
    made = [run(execution, index=index, values={"greeting": f"{index}"}) for index in (0, 1, 1)]

    assert [each["reused"] for each in made] == [False, False, True]
    assert len({each["document_id"] for each in made}) == 2


def test_documents_are_made_anew_when_effects_are_wanted_again(execution: Execution, letter: DocumentTemplate) -> None:
    first = run(execution, values={"greeting": "1"})
    effects_wanted_again.send(sender=Execution, execution=execution)
    second = run(execution, values={"greeting": "2"})

    assert not second["reused"]
    assert set(GeneratedDocument.objects.values_list("pk", "is_replaced")) == {
        (GeneratedDocument.objects.get(pk=first["document_id"]).pk, True),
        (GeneratedDocument.objects.get(pk=second["document_id"]).pk, False),
    }


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"template": "other"}, "no Word document 'other' among its templates, but letter"),
        ({"values": {}}, "'greeting' is undefined"),
    ],
)
def test_what_no_repetition_cures_is_said(
    execution: Execution, letter: DocumentTemplate, config: dict[str, Any], message: str
) -> None:
    with pytest.raises(StepError, match=message):
        run(execution, **config)


def test_a_template_of_another_project_is_out_of_reach(execution: Execution, owner: User) -> None:
    elsewhere = services.create_project(name="Elsewhere", owner=owner)
    documents.store_template(elsewhere, user=owner, filename="letter.docx", content=word())

    with pytest.raises(StepError, match="but none"):
        run(execution)


def test_documents_are_found_by_what_the_steps_gave(execution: Execution, letter: DocumentTemplate, owner: User) -> None:
    made = run(execution, values={"greeting": "Hello"})
    document = GeneratedDocument.objects.get()

    for value in (made, made["document_id"], [[made], "", None], [made, made["document_id"]]):
        assert documents.documents_in(value, execution=execution) == [document]
    with pytest.raises(NoDocument, match="is no document"):
        documents.documents_in("letter.docx", execution=execution)


def test_documents_of_another_project_are_not_found(
    execution: Execution, letter: DocumentTemplate, owner: User, make_workflow: Callable[..., Workflow]
) -> None:
    made = run(execution, values={"greeting": "Hello"})
    project = services.create_project(name="Elsewhere", owner=owner)
    workflow = services.duplicate(make_workflow(START, LETTER, name="Other"), user=owner, project=project)
    other = services.start(services.publish(workflow, user=owner), values={"name": "Eve"}, user=owner)

    with pytest.raises(NoDocument, match="has no document"):
        documents.documents_in(made, execution=other)


def test_a_template_never_changes_and_stays_while_a_step_or_a_document_has_it(
    execution: Execution, letter: DocumentTemplate, project: Project, owner: User
) -> None:
    with pytest.raises(ValidationError, match="a template never changes"):
        documents.store_template(project, user=owner, filename="LETTER.docx", content=word())
    with pytest.raises(ValidationError, match="is used by Example, step Letter"):
        documents.delete_template(letter)
    unused = documents.store_template(project, user=owner, filename="x.docx", content=word(), name="Un used")
    assert unused.name == "un-used"
    documents.delete_template(unused)


def test_a_template_stays_while_a_list_is_made_with_it(make_workflow: Callable[..., Workflow], letter: DocumentTemplate) -> None:
    each = {"items": "[1]", "do": {"kind": "microsoft-word", "config": {"template": "letter"}}}
    make_workflow({"key": "all", "kind": "for-each", "name": "Letters", "config": each})

    with pytest.raises(ValidationError, match="is used by Example, step Letters"):
        documents.delete_template(letter)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("../../etc/passwd.docx", "etc passwd.docx"),
        ('a\r\nb: "c".docx', "a b c .docx"),
        ("", "document"),
        ("x" * 300 + ".docx", "x" * 150 + ".docx"),
    ],
)
def test_a_file_has_a_name_that_every_system_takes(text: str, name: str) -> None:
    assert documents.file_name(text) == name
