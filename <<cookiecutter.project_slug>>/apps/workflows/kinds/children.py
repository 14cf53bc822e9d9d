"""A kind that runs another workflow."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any, ClassVar

from pydantic import Field

from apps.executions import catalog
from apps.executions.models import Execution
from apps.workflows import children
from apps.workflows.kinds.base import TEMPLATE, Kind, KindConfig, StepContext, Values, register
from apps.workflows.shared import Flow


@register
class RunWorkflowKind(Kind):
    """Run another workflow, with an execution of its own, and wait for its end unless told otherwise."""

    name = "run-workflow"
    title = "Run another workflow"
    family = "Flow"
    flow: ClassVar[Flow] = "workflow"
    timeout = timedelta(seconds=30)

    class Config(KindConfig):
        """`workflow` is the name that it is started by, such as sales/send-offer. Later steps find what it gave in `output`."""

        workflow: Annotated[str, Field(json_schema_extra={"format": TEMPLATE, "source": "workflows"})]
        input: Values = {}
        wait: bool = True

    def check(self, config: Config) -> Iterator[str]:
        """A workflow of code is there or not; one that people define may come later."""
        if "{{" not in config.workflow and "/" not in config.workflow and config.workflow not in catalog.startables():
            yield f"There is no workflow {config.workflow!r}: choose {', '.join(catalog.startables())}, or one as project/name."

    def run(self, config: Config, step: StepContext) -> Any:
        """The child to be started; where it is one of many, it is started."""
        parent, workflow = Execution.objects.get(pk=step.execution_id), str(config.workflow)
        if step.index is not None:
            child = children.start_alone(parent, place=f"{step.step}:{step.index}", workflow=workflow, values=config.input)
            return {"execution_id": str(child.pk)}
        return children.prepare(parent, place=step.step, workflow=workflow, values=config.input, is_awaited=config.wait)

    def output(self, asked_id: str) -> Any:
        """The child's id, execution, status and output."""
        return children.told_of(asked_id)
