"""What a definition must be before it is kept, even as a draft: pages show it, and forms are made of what it asks for.

A step has a known kind, a configuration and conditions that mean something; the input has a schema.
"""

from collections.abc import Iterable, Iterator

from django.core.exceptions import ValidationError

from apps.workflows.definitions import DefinitionDoc, EdgeDoc, Problem, StepDoc
from apps.workflows.inputs import schema_problems
from apps.workflows.validation import step_problems
from config.parsing import MAX_DEPTH, is_deep

TOO_DEEP = f"It is nested more than {MAX_DEPTH} deep."


def require_savable(document: DefinitionDoc) -> None:
    """Raises ValidationError by input_schema and steps.KEY.FIELD. What follows a step may still be missing."""
    refuse([*_input_problems(document), *(problem for step in document.steps for problem in _step_problems(step))])


def require_savable_step(step: StepDoc) -> None:
    """The same for one step. Raises ValidationError by steps.KEY.FIELD."""
    refuse(_step_problems(step))


def refuse(problems: Iterable[Problem]) -> None:
    """Raises ValidationError with every problem, if there is one."""
    wrong: dict[str, list[str]] = {}
    for problem in problems:
        place = [*(["steps", problem.step] if problem.step else []), *([problem.field] if problem.field else [])]
        wrong.setdefault(".".join(place) or "definition", []).append(problem.message)
    if wrong:
        raise ValidationError(wrong)


def _input_problems(document: DefinitionDoc) -> Iterator[Problem]:
    schema = document.input_schema
    for message in [TOO_DEEP] if is_deep(schema) else schema_problems(schema):
        yield Problem(field="input_schema", message=message)


def _step_problems(step: StepDoc) -> Iterator[Problem]:
    if is_deep(step.config):
        yield Problem(step=step.key, field="config", message=TOO_DEEP)
    else:
        yield from step_problems(_followed(step))


def _followed(step: StepDoc) -> StepDoc:
    """The step as if it said what always follows: its conditions are looked at, and nothing is missing."""
    conditions = [edge for edge in step.next if edge.condition]
    return step.model_copy(update={"next": [*conditions, EdgeDoc(to=step.key)]})
