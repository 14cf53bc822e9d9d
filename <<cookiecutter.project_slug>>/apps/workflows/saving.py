"""What a step must be before it is kept, even in a draft: a known kind, a configuration and conditions that mean something."""

from collections.abc import Iterable

from django.core.exceptions import ValidationError

from apps.workflows.definitions import EdgeDoc, Problem, StepDoc
from apps.workflows.validation import step_problems


def require_savable(steps: Iterable[StepDoc]) -> None:
    """Raises ValidationError by steps.KEY.FIELD. What follows a step may still be missing."""
    refuse(problem for step in steps for problem in step_problems(_followed(step)))


def refuse(problems: Iterable[Problem]) -> None:
    """Raises ValidationError with every problem, if there is one."""
    wrong: dict[str, list[str]] = {}
    for problem in problems:
        place = [*(["steps", problem.step] if problem.step else []), *([problem.field] if problem.field else [])]
        wrong.setdefault(".".join(place) or "definition", []).append(problem.message)
    if wrong:
        raise ValidationError(wrong)


def _followed(step: StepDoc) -> StepDoc:
    """The step as if it said what always follows: its conditions are looked at, and nothing is missing."""
    conditions = [edge for edge in step.next if edge.condition]
    return step.model_copy(update={"next": [*conditions, EdgeDoc(to=step.key)]})
