"""What executions of definitions do when something becomes of them."""

from typing import Any

from apps.executions import states
from apps.executions.models import Execution, ExecutionEvent
from apps.workflows import runs
from apps.workflows.document_models import GeneratedDocument
from apps.workflows.models import StepRun

# How a step is left by an execution that ended so.
LEFT = {"completed": StepRun.Status.SUCCESS, "failed": StepRun.Status.FAILED, "timed_out": StepRun.Status.FAILED}


def close_steps(*, execution: Execution, event: ExecutionEvent, **_: Any) -> None:
    """Receiver of status_changed."""
    if event.after in states.CLOSED and "/" in execution.workflow:
        runs.leave(execution, status=LEFT.get(event.after, StepRun.Status.CANCELED), error=execution.error_message)


def steps_again(*, execution: Execution, to: str, **_: Any) -> None:
    """Receiver of attempt_begun: from the beginning all is done again that has no effect."""
    if to == "start" and "/" in execution.workflow:
        runs.make_void(execution, effects=False)


def effects_again(*, execution: Execution, **_: Any) -> None:
    """Receiver of effects_wanted_again."""
    if "/" in execution.workflow:
        runs.make_void(execution, effects=True)
        GeneratedDocument.objects.make_again(execution)
