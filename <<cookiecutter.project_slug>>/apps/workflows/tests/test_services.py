"""Drafts change, versions do not, and what runs belongs to its version."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from apps.executions import catalog
from apps.executions.models import Execution
from apps.temporal.models import OutboxMessage
from apps.users.models import User
from apps.workflows import exchange, services
from apps.workflows.definitions import DefinitionDoc, document_of
from apps.workflows.models import Project, Step, Workflow

pytestmark = pytest.mark.django_db

STEPS = (
    {"key": "start", "kind": "trigger", "name": "Start", "next": [{"to": "end"}]},
    {"key": "end", "kind": "values", "name": "End", "config": {"values": {"a": "{{ input.a }}"}}},
)
TEXT = {"type": "object", "properties": {"a": {"type": "string", "default": "x"}}, "additionalProperties": False}


@pytest.fixture
def workflow(make_workflow: Callable[..., Workflow]) -> Workflow:
    return make_workflow(*STEPS, input_schema=TEXT)


def edited(workflow: Workflow, name: str) -> DefinitionDoc:
    draft = workflow.versions.filter(number=None).first() or workflow.current
    assert draft is not None
    document = document_of(draft)
    document.steps[1].name = name
    return document


def test_publishing_while_executions_run_changes_nothing_for_them(workflow: Workflow, owner: User) -> None:
    assert workflow.current is not None
    execution = services.start(workflow.current, values={}, user=owner)

    services.change_draft(workflow, edited(workflow, "Another end"))
    second = services.publish(workflow, user=owner)

    assert second.number == 2
    assert execution.run.version.number == 1
    sent = OutboxMessage.objects.get(aggregate_id=f"exec_{execution.pk}").payload["argument"]["definition"]["steps"]
    assert [step["name"] for step in sent] == ["Start", "End"]
    assert [step.name for step in execution.run.version.steps.all()] == ["Start", "End"]
    assert [step.name for step in second.steps.all()] == ["Start", "Another end"]


def test_a_published_version_is_never_changed(workflow: Workflow) -> None:
    assert workflow.current is not None
    step = workflow.current.steps.first()
    assert step is not None

    for change in (step.save, step.delete, workflow.current.save, Step(version=workflow.current, key="x", position=3).save):
        with pytest.raises(ValidationError, match="never changed"):
            change()


def test_a_draft_with_problems_is_not_published(make_workflow: Callable[..., Workflow], owner: User) -> None:
    workflow = make_workflow(*STEPS, {**STEPS[1], "key": "alone"}, is_published=False)

    with pytest.raises(services.NotPublishable) as refused:
        services.publish(workflow, user=owner)

    assert [problem.step for problem in refused.value.problems] == ["alone"]
    workflow.refresh_from_db()
    assert (workflow.status, workflow.current) == ("draft", None)


def test_two_who_edit_at_once_do_not_overwrite_each_other(workflow: Workflow) -> None:
    seen = workflow.revision
    services.change_draft(workflow, edited(workflow, "Mine"), revision=seen)

    with pytest.raises(services.DraftChanged):
        services.change_draft(workflow, edited(workflow, "Yours"), revision=seen)


def test_a_project_in_use_is_not_deleted(workflow: Workflow, project: Project) -> None:
    with pytest.raises(ValidationError, match="has workflows"):
        services.delete_project(project)

    assert Project.objects.filter(pk=project.pk).exists()


def test_a_workflow_that_ran_is_archived_and_not_deleted(workflow: Workflow, owner: User) -> None:
    assert workflow.current is not None
    services.start(workflow.current, values={}, user=owner)

    with pytest.raises(ValidationError, match="has executions"):
        services.delete_workflow(workflow)
    services.set_status(workflow, Workflow.Status.ARCHIVED)

    with pytest.raises(ValidationError, match="is archived"):
        services.start(Workflow.objects.get(pk=workflow.pk).current, values={}, user=owner)  # type: ignore[arg-type]


def test_a_workflow_that_never_ran_is_deleted_with_its_versions(workflow: Workflow, project: Project) -> None:
    services.delete_workflow(workflow)
    services.delete_project(project)

    assert not Project.objects.exists()
    assert not Step.objects.exists()


def test_an_input_that_does_not_fit_is_refused_by_field(workflow: Workflow, owner: User) -> None:
    assert workflow.current is not None

    with pytest.raises(ValidationError) as refused:
        services.start(workflow.current, values={"a": 3, "b": 1}, user=owner)

    assert set(refused.value.message_dict) == {"input.a", "input"}
    assert not Execution.objects.filter(workflow=workflow.full_name).exists()


@pytest.mark.parametrize("is_edited", [False, True])
def test_a_copy_has_what_is_edited_and_leaves_its_source_as_it_is(workflow: Workflow, owner: User, is_edited: bool) -> None:
    if is_edited:
        services.change_draft(workflow, edited(workflow, "Another end"))
    before = list(workflow.versions.values_list("pk", flat=True))

    copy = services.duplicate(workflow, user=owner)

    assert list(workflow.versions.values_list("pk", flat=True)) == before
    assert exchange.edited_document(copy).steps == exchange.edited_document(workflow).steps


def test_the_same_key_starts_one_execution(workflow: Workflow, owner: User) -> None:
    assert workflow.current is not None

    first, again = (services.start(workflow.current, values={}, user=owner, key="k") for _ in range(2))

    assert first == again
    assert OutboxMessage.objects.filter(aggregate_id=first.temporal_workflow_id).count() == 1


def test_an_execution_is_planned_with_its_steps_and_started_by_hand(workflow: Workflow, owner: User) -> None:
    assert workflow.current is not None

    execution = services.start(workflow.current, values={}, user=owner, is_planned=True)

    assert execution.is_planned
    assert list(execution.tasks.values_list("name", flat=True)) == ["Start", "End"]
    assert execution.input == {"a": "x"}
    assert execution.temporal_workflow_id == f"exec_{execution.pk}"


def test_only_owner_and_editors_of_a_project_start_its_workflows(workflow: Workflow, project: Project) -> None:
    name = workflow.full_name
    viewer, stranger = (User.objects.create_user(email=f"{who}@example.com") for who in ("viewer", "stranger"))
    services.set_member(project, user=viewer, role="viewer")

    with pytest.raises(PermissionDenied):
        catalog.find(name, user=viewer)
    with pytest.raises(ValidationError, match="There is no workflow"):
        catalog.find(name, user=stranger)
    assert name not in catalog.all_startables(viewer)
    services.set_member(project, user=viewer, role="editor")
    assert name in catalog.all_startables(viewer)


def test_members_see_the_executions_of_their_project(workflow: Workflow, project: Project, owner: User) -> None:
    assert workflow.current is not None
    execution = services.start(workflow.current, values={}, user=owner)
    member, stranger = (User.objects.create_user(email=f"{who}@example.com") for who in ("member", "stranger"))
    services.set_member(project, user=member, role="viewer")

    assert execution in Execution.objects.visible_to(member)
    assert execution not in Execution.objects.visible_to(stranger)


@pytest.mark.parametrize(
    "steps", [[{**STEPS[0], "next": [{"to": "nowhere"}]}], [STEPS[1], STEPS[1]]], ids=["an edge to nowhere", "one key twice"]
)
def test_what_cannot_be_stored_changes_nothing(workflow: Workflow, steps: list[dict[str, Any]]) -> None:
    document = DefinitionDoc.model_validate({"name": "Other", "steps": steps})

    with pytest.raises(ValidationError, match=r"There is no step nowhere|Two steps have the key"):
        services.change_draft(workflow, document)

    workflow.refresh_from_db()
    assert workflow.name == "Example"
