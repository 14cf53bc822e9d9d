"""The rows of a draft: made of a document, and of the version that was published last. What can be stored is stored."""

from collections.abc import Sequence

from django.core.exceptions import ValidationError

from apps.workflows.definitions import DefinitionDoc, StepDoc, document_of
from apps.workflows.models import Edge, Step, Workflow, WorkflowVersion


def draft_of(workflow: Workflow) -> WorkflowVersion:
    """The draft of a locked workflow: if there is none, a new one with the steps of the current version."""
    found = workflow.versions.filter(number=None).first()
    if found:
        return found
    draft = WorkflowVersion.objects.create(workflow=workflow)
    if workflow.current:
        document = document_of(workflow.current)
        draft.input_schema = document.input_schema
        draft.save(update_fields=["input_schema"])
        write_steps(draft, document.steps)
    return draft


def write(draft: WorkflowVersion, document: DefinitionDoc) -> None:
    """Make a draft what a document says."""
    draft.input_schema = document.input_schema
    draft.save(update_fields=["input_schema"])
    draft.steps.all().delete()
    write_steps(draft, document.steps)


def write_steps(draft: WorkflowVersion, steps: Sequence[StepDoc]) -> None:
    """Add steps with their edges. Raises ValidationError for two steps of one key, and for an edge to no step."""
    keys = [step.key for step in steps]
    for step in steps:
        if keys.count(step.key) > 1:
            raise ValidationError({f"steps.{step.key}": f"Two steps have the key {step.key}: rename one."})
        for edge in step.next:
            if edge.to not in keys:
                raise ValidationError({f"steps.{step.key}.next": f"There is no step {edge.to}."})
    rows = {step.key: _row(draft, step, position) for position, step in enumerate(steps, start=1)}
    Step.objects.bulk_create(rows.values())
    Edge.objects.bulk_create(
        Edge(source=rows[step.key], target=rows[edge.to], condition=edge.condition, position=position)
        for step in steps
        for position, edge in enumerate(step.next)
    )


def _row(draft: WorkflowVersion, step: StepDoc, position: int) -> Step:
    return Step(version=draft, position=position, **step.model_dump(exclude={"next"}))
