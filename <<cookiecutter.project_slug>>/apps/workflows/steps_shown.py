"""The steps of an execution on its page: their picture, where each stands, what was decided and what is waited for."""

from typing import Final

from django.template.loader import render_to_string

from apps.executions.charts import duration
from apps.executions.models import Execution
from apps.workflows import graph
from apps.workflows.definitions import DefinitionDoc, document_of
from apps.workflows.models import Run, StepRun

# The page lists the latest of them; the picture has them all.
SHOWN: Final = 200
Status = StepRun.Status
TONES: Final = {
    Status.RUNNING: "busy",
    Status.WAITING: "waiting",
    Status.SUCCESS: "good",
    Status.FAILED: "bad",
    Status.CANCELED: "quiet",
}


def section(execution: Execution) -> str:
    """That part of an execution's page, empty for one of no definition."""
    if "/" not in execution.workflow:
        return ""
    run = Run.objects.select_related("version__workflow").get(pk=execution.pk)
    document = document_of(run.version)
    steps = list(execution.steps.filter(attempt=execution.attempt).defer("output", "error"))
    names = {step.key: step.name for step in document.steps}
    context = {
        "execution": execution,
        "run": run,
        "graph": graph.drawn(document, _looks(document, steps)),
        "steps": [(step, TONES[Status(step.status)], _words(step), names.get(step.decision, "")) for step in steps[-SHOWN:]],
        "left_out": max(0, len(steps) - SHOWN),
    }
    return render_to_string("workflows/_steps.html", context)


def _looks(document: DefinitionDoc, steps: list[StepRun]) -> dict[str, graph.Look]:
    """What each step looks like. It went to what was decided, or to the only step that follows it and was begun."""
    met = {step.key: step for step in steps}
    only = {step.key: step.next[0].to for step in document.steps if len(step.next) == 1 and step.next[0].to in met}
    return {
        key: graph.Look(tone=TONES[Status(step.status)], words=_words(step), went_to=step.decision or only.get(key, ""))
        for key, step in met.items()
    }


def _words(step: StepRun) -> str:
    if step.items_total:
        failed = f", {step.items_failed} failed" if step.items_failed else ""
        return f"{step.items_done} of {step.items_total}{failed}"
    if step.is_reused:
        return "done before"
    if step.status == Status.SUCCESS and step.duration_ms is not None:
        return f"done in {duration(step.duration_ms / 1000)}"
    return str(step.status)
