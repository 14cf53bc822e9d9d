"""How far an execution of a definition is, told in its steps. The entry is not counted: it only takes what starts it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from apps.executions.models import Execution
from apps.workflows.definitions import document_of, in_order
from apps.workflows.kinds import base
from apps.workflows.models import Step, StepRun, WorkflowVersion

DONE, FAILED = StepRun.Status.SUCCESS, StepRun.Status.FAILED
COMPLETED = Execution.Status.COMPLETED


@dataclass(frozen=True)
class Ways:
    """How many steps may still come: on the shortest way to the end, and on the longest."""

    least: int = 0
    most: int = 0


@dataclass(frozen=True)
class Graph:
    """The steps of a version by their keys, in their order, and what may come from each on, itself among it."""

    version: WorkflowVersion
    steps: Mapping[str, Step]
    ways: Mapping[str, Ways]
    behind: Mapping[str, Ways]


@dataclass(frozen=True, kw_only=True)
class RunProgress:
    """An execution, the step that it is at, and how far it is.

    `steps_total` counts the longest way on, and is an estimate as long as conditions may choose a shorter one.
    """

    id: UUID
    workflow_id: UUID
    status: str
    current_node_id: UUID | None
    current_node: Step | None
    steps_completed: int
    steps_total: int
    steps_total_is_estimate: bool
    temporal_workflow_id: str
    temporal_run_id: str


def runs_of(executions: QuerySet[Execution]) -> QuerySet[Execution]:
    """With what the figures are made of, and without the large values that no list shows."""
    steps = Prefetch("steps", StepRun.objects.defer("output", "error", "reason"))
    return executions.listed().select_related("run").prefetch_related(steps)  # type: ignore[attr-defined,no-any-return]


def progress_of(executions: Iterable[Execution]) -> list[RunProgress]:
    """How far each is. A version is read once."""
    executions = list(executions)
    wanted = {execution.run.version_id for execution in executions}
    versions = WorkflowVersion.objects.select_related("workflow").filter(pk__in=wanted)
    graphs = {version.pk: graph_of(version) for version in versions}
    return [_progress(execution, graphs[execution.run.version_id]) for execution in executions]


def graph_of(version: WorkflowVersion) -> Graph:
    """The steps of a version. What stands in a loop, as only a draft has one, counts for nothing."""
    rows = {step.key: step for step in version.steps.all()}
    documents = {step.key: step for step in document_of(version).steps}
    ways: dict[str, Ways] = {}
    behind: dict[str, Ways] = {}
    for key in reversed(list(in_order(documents))):
        following = [ways.get(edge.to, Ways()) for edge in documents[key].next] or [Ways()]
        behind[key] = Ways(min(way.least for way in following), max(way.most for way in following))
        own = int(counts(rows[key]))
        ways[key] = Ways(behind[key].least + own, behind[key].most + own)
    return Graph(version, rows, ways, behind)


def log_of(execution: Execution) -> list[dict[str, Any]]:
    """What the steps of this attempt gave, in their order: an entry for each that succeeded or failed."""
    ids = dict(Step.objects.filter(version=execution.run.version_id).values_list("key", "pk"))
    ended = StepRun.objects.filter(execution=execution, attempt=execution.attempt, status__in=(DONE, FAILED))
    return [
        {
            "node_id": ids[run.key],
            "node_type": run.kind,
            "started_at": run.started_at,
            "completed_at": run.completed_at,
            "duration_ms": run.duration_ms,
            "status": run.status,
            "output": run.output,
            "error": run.error,
        }
        for run in ended
        if run.key in ids
    ]


def counts(step: Step) -> bool:
    """Whether it is a step that something is done in."""
    kind = base.kinds().get(step.kind)
    return kind is None or not kind.is_trigger


def _progress(execution: Execution, graph: Graph) -> RunProgress:
    met = [run for run in execution.steps.all() if run.attempt == execution.attempt and run.key in graph.steps]
    own = [run for run in met if counts(graph.steps[run.key])]
    ahead = _ahead(execution, met, graph)
    current = graph.steps[met[-1].key] if met and execution.status != COMPLETED else None
    return RunProgress(
        id=execution.pk,
        workflow_id=graph.version.workflow_id,
        status=execution.status,
        current_node_id=current.pk if current else None,
        current_node=current,
        steps_completed=sum(run.status == DONE for run in own),
        steps_total=len(own) + ahead.most,
        steps_total_is_estimate=ahead.least != ahead.most,
        temporal_workflow_id=execution.temporal_workflow_id,
        temporal_run_id=execution.temporal_run_id,
    )


def _ahead(execution: Execution, met: list[StepRun], graph: Graph) -> Ways:
    if execution.status == COMPLETED or not graph.steps:
        return Ways()
    if not met:
        return graph.ways.get(next(iter(graph.steps)), Ways())
    last = met[-1]
    chosen = graph.ways.get(last.decision) if last.decision else None
    return chosen or graph.behind.get(last.key, Ways())
