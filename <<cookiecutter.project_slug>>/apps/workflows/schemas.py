"""What the API of projects and workflows takes and gives: the modules whose names end in api are about how."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Field, FilterSchema, Schema
from pydantic import WithJsonSchema

from apps.workflows.definitions import DefinitionDoc, EdgeDoc, StepDoc, document_of
from apps.workflows.kinds.base import Kind
from apps.workflows.models import Workflow, WorkflowVersion

# Written out: of two components called Status, the API's document would keep one.
DefinitionStatus = Annotated[Workflow.Status, WithJsonSchema({"type": "string", "enum": list(Workflow.Status.values)})]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Slug = Annotated[str, Field(max_length=50, description="Made of the name where it is left out.")]
Role = Literal["viewer", "editor"]


class ProjectIn(Schema):
    """A project to be made. The account that asks becomes its owner."""

    name: Name
    slug: Slug = ""


class ProjectChange(Schema):
    """What a project is called from now on."""

    name: Name


class ProjectOut(Schema):
    """A project."""

    id: UUID
    name: str
    slug: str
    owner_id: int
    created_at: datetime


class SigningKeyOut(Schema):
    """A secret."""

    signing_key: str


class MemberIn(Schema):
    """An account by its address, and what it may do: a viewer sees, an editor changes, publishes and starts."""

    email: Annotated[str, Field(max_length=254)]
    role: Role = "viewer"


class MemberOut(Schema):
    """A member of a project."""

    user_id: int
    email: str = Field(validation_alias="user.email")
    name: str = Field(validation_alias="user.name")
    role: Role


class DefinitionIn(Schema):
    """A workflow to be made: empty, with a definition as its draft, or with one of those that GET /workflows/ready lists."""

    name: Annotated[str, Field(max_length=100, description="The definition's own where it is left out.")] = ""
    slug: Slug = ""
    description: Annotated[str, Field(max_length=2_000)] = ""
    definition: DefinitionDoc | None = None
    ready: Annotated[str, Field(max_length=80)] = ""


class DefinitionChange(Schema):
    """What is to be different. An archived workflow starts no more; an active one has a published version."""

    name: Name | None = None
    description: Annotated[str, Field(max_length=2_000)] | None = None
    status: Literal["active", "archived"] | None = None


class DuplicateIn(Schema):
    """What the copy is called, and its project where that is another one."""

    name: Annotated[str, Field(max_length=100)] = ""
    project_id: UUID | None = None


class DefinitionOut(Schema):
    """A workflow that people defined. `full_name` starts it by name; `revision` grows with every change of its draft."""

    id: UUID
    project_id: UUID
    name: str
    slug: str
    full_name: str
    description: str
    status: DefinitionStatus
    version: int | None
    revision: int
    created_at: datetime
    updated_at: datetime

    @staticmethod
    def resolve_version(workflow: Workflow) -> int | None:
        """The number of the version that starts."""
        return workflow.current.number if workflow.current else None


class DefinitionFilters(FilterSchema):
    """Which workflows."""

    status: DefinitionStatus | None = None


class ProblemOut(Schema):
    """What keeps a draft from being published. `step` is a key, empty where it is about the whole."""

    step: str
    field: str
    message: str


class DraftOut(Schema):
    """What is edited, the revision that If-Match takes, and what is still wrong."""

    revision: int
    definition: DefinitionDoc
    problems: list[ProblemOut]


class StepOut(Schema):
    """A step of what is edited."""

    id: UUID
    position: int
    key: str
    kind: str
    name: str
    config: dict[str, Any]
    next: list[EdgeDoc]
    timeout_seconds: int | None
    attempts: int | None
    first_retry_seconds: int | None


class StepIn(StepDoc):
    """A step to be added: last, or before the one at that position."""

    position: Annotated[int, Field(ge=1, le=10_000)] | None = None


class PublishIn(Schema):
    """What is new, for those who compare versions."""

    note: Annotated[str, Field(max_length=500)] = ""


class VersionOut(Schema):
    """A published version."""

    id: UUID
    number: int
    note: str
    published_at: datetime
    published_by_id: int | None
    is_current: bool

    @staticmethod
    def resolve_is_current(version: WorkflowVersion) -> bool:
        """Whether it is the one that starts."""
        return version.workflow.current_id == version.pk


class VersionDetail(VersionOut):
    """A published version with its definition."""

    definition: DefinitionDoc

    @staticmethod
    def resolve_definition(version: WorkflowVersion) -> DefinitionDoc:
        """As a draft takes it."""
        return document_of(version)


class KindOut(Schema):
    """A kind of step. `config_schema` is the JSON Schema of its configuration; times hold where a step says nothing else."""

    name: str
    title: str = Field(validation_alias="shown")
    family: str
    description: str
    flow: str
    is_trigger: bool
    has_effect: bool
    timeout_seconds: int
    attempts: int
    first_retry_seconds: float
    config_schema: dict[str, Any]

    @staticmethod
    def resolve_timeout_seconds(kind: Kind) -> int:
        """How long one try may take."""
        return int(kind.timeout.total_seconds())

    @staticmethod
    def resolve_first_retry_seconds(kind: Kind) -> float:
        """How long after the first failure it is tried again."""
        return kind.first_retry.total_seconds()

    @staticmethod
    def resolve_config_schema(kind: Kind) -> dict[str, Any]:
        """What a form is made of."""
        return kind.Config.model_json_schema()


class ReadyOut(Schema):
    """A definition that comes with the project."""

    ready: str
    name: str
    description: str
    steps: list[str]
