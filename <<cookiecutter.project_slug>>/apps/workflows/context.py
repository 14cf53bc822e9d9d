"""What expressions see of an execution: its input, who started it and why, and what its steps gave."""

from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from apps.executions.models import Execution
from apps.workflows.expressions import expressions, steps_in, texts_of
from apps.workflows.models import Run, StepRun


def context_of(execution: Execution, *, needed: Any = None) -> dict[str, Any]:
    """The whole context; with `needed`, a configuration or a list of conditions, only those steps that its texts speak of."""
    run = Run.objects.select_related("version__workflow__project").get(pk=execution.pk)
    workflow = run.version.workflow
    given: dict[str, Any] = execution.context or {}
    return {
        "input": execution.input or {},
        "trigger": {"kind": execution.trigger, "ref": execution.trigger_ref, "data": given.get("trigger")},
        "source": {
            "type": execution.source_object_type,
            "id": execution.source_object_id,
            "data": given.get("source", {}),
        },
        "workflow": {
            "id": str(workflow.pk),
            "name": workflow.name,
            "project": workflow.project.slug,
            "version": run.version.number,
        },
        "execution": {"id": str(execution.pk), "workflow_id": execution.temporal_workflow_id, "attempt": execution.attempt},
        "metadata": given.get("metadata", {}),
        "now": timezone.now(),
        "steps": _outputs(execution, None if needed is None else _keys(needed)),
    }


def _keys(needed: Any) -> set[str]:
    # A text is an expression, or it has some in it: quotes of the text around them mean nothing.
    return {key for text in texts_of(needed) for each in (text, *expressions(text)) for key in steps_in(each)}


def _outputs(execution: Execution, keys: Iterable[str] | None) -> dict[str, Any]:
    done = StepRun.objects.filter(execution=execution, status=StepRun.Status.SUCCESS, is_void=False).order_by("attempt")
    if keys is not None:
        done = done.filter(key__in=keys)
    return {key: {"output": output, "status": "success"} for key, output in done.values_list("key", "output")}
