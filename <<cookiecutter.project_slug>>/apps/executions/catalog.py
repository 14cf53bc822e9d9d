"""What can be started by hand: every workflow of the project, with what it asks for.

A workflow may say more of itself by attributes of its class: `planned_tasks`, the names of its activities in their order,
`workflow_id`, a static method that gives the id for an input where the same input must not run twice, `internal_fields`, the
fields of its input that only it fills in, and `is_internal`, for one that only code starts.
"""

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, get_type_hints
from uuid import uuid4

from django.core.exceptions import ValidationError
from pydantic import TypeAdapter
from pydantic import ValidationError as InvalidInput

from apps.executions.models import Actor, Execution
from apps.executions.shared import UNTRACKED
from apps.temporal import registry
from config.parsing import problems_by_field


@dataclass(frozen=True)
class Offered:
    """A workflow by its name, as it stands among those that people choose from."""

    workflow: str
    title: str
    description: str


@dataclass(frozen=True)
class Startable(Offered):
    """A workflow that people may start. `planned_tasks` are the names of the activities that are known beforehand."""

    planned_tasks: Sequence[str]
    adapter: TypeAdapter[Any] | None = None
    code: type | None = None

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of its input, empty when it takes none, without what only the workflow itself fills in."""
        schema = self.adapter.json_schema() if self.adapter else {}
        for name in getattr(self.code, "internal_fields", ()):
            del schema["properties"][name]
        return schema

    def read(self, values: Any) -> Any:
        """The input that those JSON values mean. Raises ValidationError by field name."""
        if self.adapter is None:
            if values not in (None, {}):
                raise ValidationError({"input": f"{self.workflow} takes no input: leave it out."})
            return None
        try:
            return self.adapter.validate_python(values)
        except InvalidInput as error:
            raise ValidationError(problems_by_field(error, inside="input")) from error

    def workflow_id(self, wanted: Any) -> str:
        """The id for that input: its own where the workflow says so, else a new one."""
        own = getattr(self.code, "workflow_id", None)
        return own(wanted) if own else f"{self.workflow}-{uuid4()}"

    def facts(self, wanted: Any) -> dict[str, Any]:
        """What its executions have beside, such as their tenant."""
        return {}

    def planned(self, execution: Execution) -> None:
        """Write what belongs to an execution of it, in the transaction that plans it."""

    def argument(self, execution: Execution) -> tuple[str, Any]:
        """What a start tells Temporal: the registered name and the input."""
        return execution.workflow, execution.input


@dataclass(frozen=True)
class Source:
    """Workflows that are no code. Their names have a slash: `find` gives the one of a name, `listed` those that an account may
    start, `offered` the same for a choice, `named` the names and titles of those whose executions it may see, `planned` the one
    that an execution was planned of, `may_start` whether an account may start an execution of one, or have it done again, even
    its own.
    """

    find: Callable[[str, Actor], Startable | None]
    listed: Callable[[Actor], Iterable[Startable]]
    offered: Callable[[Actor], Iterable[Offered]]
    named: Callable[[Actor], Iterable[tuple[str, str]]]
    planned: Callable[[Execution], Startable | None]
    may_start: Callable[[Any, Execution], bool]


SOURCES: list[Source] = []


@cache
def startables() -> dict[str, Startable]:
    """Every workflow that can be started by hand, by name."""
    ours = {name: code for name, code in registry.workflows().items() if name not in UNTRACKED}
    return {name: _startable(name, code) for name, code in sorted(ours.items()) if not getattr(code, "is_internal", False)}


def all_startables(user: Actor) -> dict[str, Startable]:
    """Those, and what people have defined and this account may start."""
    return startables() | {found.workflow: found for source in SOURCES for found in source.listed(user)}


def offered(user: Actor) -> dict[str, Offered]:
    """The same, without what is read for each of them alone."""
    return {**startables(), **{each.workflow: each for source in SOURCES for each in source.offered(user)}}


def titles(user: Actor) -> dict[str, str]:
    """What the executions that an account may see can be of, by name, with what people call it."""
    code = {name: startable.title for name, startable in startables().items()}
    return code | {name: title for source in SOURCES for name, title in source.named(user)}


def find(workflow: str, *, user: Actor = None) -> Startable:
    """The one of that name. Raises ValidationError that names those that there are."""
    if "/" in workflow:
        for source in SOURCES:
            if found := source.find(workflow, user):
                return found
    if workflow not in startables():
        raise ValidationError({"workflow": f"There is no workflow {workflow!r}: choose {', '.join(startables())}."})
    return startables()[workflow]


def what_starts(execution: Execution) -> tuple[str, Any]:
    """The registered name of a planned execution's workflow, and its input."""
    if "/" not in execution.workflow:
        return execution.workflow, execution.input
    planned = (source.planned(execution) for source in SOURCES)
    startable = next((found for found in planned if found), None) or find(execution.workflow)
    return startable.argument(execution)


def may_start(user: Any, execution: Execution) -> bool:
    """Whether its workflow lets an account start an execution, or have it done again. What people defined asks for more."""
    return "/" not in execution.workflow or any(source.may_start(user, execution) for source in SOURCES)


def resumes_by_itself(workflow: str) -> bool:
    """Whether a workflow finds by itself what it has done, so that it always goes on from its beginning."""
    return "/" in workflow or bool(getattr(registry.workflows().get(workflow), "resumes_by_itself", False))


def title(workflow: str) -> str:
    """What people call a workflow."""
    return workflow.rpartition("/")[2].replace("_", " ").replace("-", " ").capitalize()


def _startable(name: str, code: type) -> Startable:
    run = code.run  # type: ignore[attr-defined]  # every registered workflow has a run method
    parameters = list(inspect.signature(run).parameters)[1:]
    hint: Any = get_type_hints(run).get(parameters[0], Any) if parameters else None
    return Startable(
        workflow=name,
        title=title(name),
        description=(inspect.getdoc(code) or "").partition("\n")[0],
        planned_tasks=tuple(getattr(code, "planned_tasks", ())),
        adapter=TypeAdapter(hint) if parameters else None,
        code=code,
    )
