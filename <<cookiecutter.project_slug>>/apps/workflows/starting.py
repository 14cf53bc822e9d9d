"""How an execution of a definition begins: through apps.executions, as any other, under the name project/workflow."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.db.models import Prefetch, Q, QuerySet

from apps.executions.catalog import Offered, Source, Startable
from apps.executions.models import Actor, Execution
from apps.workflows import access, inputs
from apps.workflows.definitions import document_of, spec_of
from apps.workflows.kinds import base
from apps.workflows.models import Project, Run, Step, Workflow, WorkflowVersion
from apps.workflows.shared import WORKFLOW, DefinedInput, execution_workflow_id

MAX_DEPTH = 10
# No activity is behind a step of these.
WITHOUT_TASK = frozenset({"route", "wait"})


@dataclass(frozen=True)
class Defined(Startable):
    """A version that may be started. `depth` is how many workflows stand above it."""

    version: WorkflowVersion | None = None
    depth: int = 0
    is_test: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """What it asks for."""
        assert self.version is not None
        schema: dict[str, Any] = self.version.input_schema
        return schema or {"type": "object"}

    def read(self, values: Any) -> dict[str, Any]:
        """The input. Raises ValidationError by field name, and where a step is of a kind that there is no more."""
        assert self.version is not None
        _require_kinds(self.version)
        return inputs.read(self.schema, {} if values is None else values)

    def facts(self, wanted: Any) -> dict[str, Any]:
        """Its id at Temporal is made of its own."""
        assert self.version is not None
        pk = uuid4()
        tenant = str(self.version.workflow.project_id)
        return {"pk": pk, "temporal_workflow_id": execution_workflow_id(str(pk)), "tenant": tenant}

    def planned(self, execution: Execution) -> None:
        """Bind the execution to its version for good."""
        assert self.version is not None
        Run.objects.create(execution=execution, version=self.version, depth=self.depth, is_test=self.is_test)

    def argument(self, execution: Execution) -> tuple[str, Any]:
        """The interpreter and the whole definition."""
        spec = spec_of(document_of(execution.run.version))
        return WORKFLOW, DefinedInput(execution_id=str(execution.pk), definition=spec)


def startable(version: WorkflowVersion, *, depth: int = 0, is_test: bool = False) -> Defined:
    """What apps.executions can plan and start. Raises ValidationError below MAX_DEPTH workflows that run workflows."""
    if depth > MAX_DEPTH:
        raise ValidationError({"workflow": f"Workflows run workflows {MAX_DEPTH} deep at most: does one run itself?"})
    workflow = version.workflow
    return Defined(
        workflow=workflow.full_name,
        title=workflow.name,
        description=_first_line(workflow),
        planned_tasks=[step.name for step in version.steps.all() if _has_task(step.kind)],
        version=version,
        depth=depth,
        is_test=is_test,
    )


def find_active(name: str) -> Workflow:
    """The workflow of a full name that can be started. Raises ValidationError."""
    project, _, slug = name.partition("/")
    found = (
        Workflow.objects.select_related("project", "current__workflow__project").filter(project__slug=project, slug=slug).first()
    )
    if found is None:
        raise ValidationError({"workflow": f"There is no workflow {name!r}."})
    require_active(found)
    return found


def require_active(workflow: Workflow) -> None:
    """Raises ValidationError unless it can be started."""
    if workflow.status != Workflow.Status.ACTIVE or workflow.current is None:
        raise ValidationError({"workflow": f"{workflow.name} is {workflow.status}: publish it first."}, code="inactive")


def project_executions(user: Any) -> Q:
    """The executions of the projects that an account may see."""
    projects = Project.objects.visible_to(user).values("pk")
    return Q(run__version__workflow__project__in=projects)


def _find(name: str, user: Actor) -> Startable | None:
    workflow = find_active(name)
    if user is not None:
        if not Project.objects.visible_to(user).filter(pk=workflow.project_id).exists():
            raise ValidationError({"workflow": f"There is no workflow {name!r}."})
        access.changeable_project(user, workflow.project_id)
    assert workflow.current is not None
    return startable(workflow.current)


def _planned(execution: Execution) -> Startable | None:
    run = Run.objects.select_related("version__workflow__project").filter(pk=execution.pk).first()
    if run is None:
        return None
    if not run.is_test:
        require_active(run.version.workflow)
    return startable(run.version, depth=run.depth, is_test=run.is_test)


def _listed(user: Actor) -> Iterable[Startable]:
    steps = Prefetch("current__steps", Step.objects.only("version", "name", "kind"))
    for workflow in _active(user).select_related("project", "current__workflow__project").prefetch_related(steps):
        assert workflow.current is not None
        yield startable(workflow.current)


def _offered(user: Actor) -> Iterable[Offered]:
    for workflow in _active(user).select_related("project"):
        yield Offered(workflow=workflow.full_name, title=workflow.name, description=_first_line(workflow))


def _active(user: Actor) -> QuerySet[Workflow]:
    """Those that an account may start."""
    if user is None:
        return Workflow.objects.none()
    return Workflow.objects.changeable_by(user).filter(status=Workflow.Status.ACTIVE, current__isnull=False)


def _named(user: Actor) -> Iterable[tuple[str, str]]:
    if user is None:
        return
    for workflow in Workflow.objects.visible_to(user).exclude(current=None).select_related("project"):
        yield workflow.full_name, f"{workflow.name} ({workflow.project.name})"


def _require_kinds(version: WorkflowVersion) -> None:
    for step in version.steps.all():
        if step.kind not in base.kinds():
            wrong = f"The step {step.name} is of the kind {step.kind!r}, which there is no more: change it, and publish."
            raise ValidationError({"workflow": wrong})


def _has_task(kind: str) -> bool:
    known = base.kinds().get(kind)
    return known is None or known.flow not in WITHOUT_TASK


def _first_line(workflow: Workflow) -> str:
    return workflow.description.partition("\n")[0]


SOURCE = Source(find=_find, listed=_listed, offered=_offered, named=_named, planned=_planned, may_start=access.may_start)
