"""`/api/v1/workflows/ID`: what people have defined, its draft, its versions. Projects: project_api.py; runs: run_api.py.

Members of a project see its workflows; its owner and its editors change them. A change of a draft may say, by If-Match, of
which revision it is, so that nobody overwrites what somebody else has done meanwhile.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Header, Path, Query, Router, Status
from ninja.errors import HttpError
from ninja.pagination import paginate

from apps.users.auth import account
from apps.workflows import access, exchange, services
from apps.workflows.definitions import MAX_STEPS, DefinitionDoc, StepDoc, document_of
from apps.workflows.kinds import base
from apps.workflows.models import Workflow, WorkflowVersion
from apps.workflows.saving import refuse, require_savable, require_savable_step
from apps.workflows.schemas import (
    DefinitionChange,
    DefinitionOut,
    DraftOut,
    DuplicateIn,
    KindOut,
    PublishIn,
    ReadyOut,
    StepIn,
    StepOut,
    VersionDetail,
    VersionOut,
)
from apps.workflows.validation import problems
from config.files import file_answer
from config.parsing import whole

router = Router(tags=["workflows"])
IfMatch = Annotated[str, Header(alias="If-Match", max_length=50, description="The revision of the draft that was read.")]
Number = Annotated[int, Path(ge=1, lt=2**31)]
TYPES = {"yaml": "application/yaml", "json": "application/json"}
FILE: dict[str, Any] = {
    "responses": {200: {"description": "The file", "content": {form: {"schema": {}} for form in TYPES.values()}}}
}


@router.get("/kinds", response=list[KindOut], summary="The kinds of steps that there are")
def kinds(request: HttpRequest) -> list[base.Kind]:
    """With the schema of what each must be told."""
    return list(base.kinds().values())


@router.get("/ready", response=list[ReadyOut], summary="The definitions that come with the project")
def ready(request: HttpRequest) -> list[dict[str, Any]]:
    """POST /projects/ID/workflows makes a workflow of one."""
    return [
        {
            "ready": name,
            "name": document.name,
            "description": document.description,
            "steps": [step.name for step in document.steps],
        }
        for name, document in exchange.ready().items()
    ]


@router.get("/{uuid:workflow_id}", response=DefinitionOut, summary="A workflow")
def workflow(request: HttpRequest, workflow_id: UUID) -> Workflow:
    """What it is called, where it stands, and which version starts."""
    return access.seen_workflow(request.user, workflow_id)


@router.patch("/{uuid:workflow_id}", response=DefinitionOut, summary="Rename, archive or reactivate a workflow")
def change(request: HttpRequest, workflow_id: UUID, wanted: DefinitionChange) -> Workflow:
    """Its slug stays, as others start it by it. What runs goes on."""
    found = access.changeable_workflow(request.user, workflow_id)
    if wanted.status:
        found = services.set_status(found, wanted.status)
    if wanted.name is not None or wanted.description is not None:
        name, description = wanted.name or found.name, wanted.description
        found = services.rename_workflow(found, name=name, description=found.description if description is None else description)
    return found


@router.delete("/{uuid:workflow_id}", response={204: None, 409: None}, summary="Delete a workflow that never ran")
def delete(request: HttpRequest, workflow_id: UUID) -> Status[None]:
    """409 for one that did: archive it."""
    found = access.changeable_workflow(request.user, workflow_id)
    try:
        services.delete_workflow(found)
    except ValidationError as error:
        raise HttpError(409, " ".join(error.messages)) from error
    return Status(204, None)


@router.post("/{uuid:workflow_id}/duplicate", response={201: DefinitionOut}, summary="Copy a workflow")
def duplicate(request: HttpRequest, workflow_id: UUID, wanted: DuplicateIn) -> Status[Workflow]:
    """What is edited becomes the draft of a new one, in the same project or in another."""
    found = access.seen_workflow(request.user, workflow_id)
    project = access.changeable_project(request.user, wanted.project_id or found.project_id)
    return Status(201, services.duplicate(found, user=account(request), project=project, name=wanted.name))


@router.get("/{uuid:workflow_id}/draft", response=DraftOut, summary="What is edited")
def draft(request: HttpRequest, workflow_id: UUID) -> dict[str, Any]:
    """The draft, or the version that a draft would begin with, and what keeps it from being published."""
    return _draft(access.seen_workflow(request.user, workflow_id))


@router.put("/{uuid:workflow_id}/draft", response={200: DraftOut, 409: None}, summary="Replace the draft")
def replace_draft(request: HttpRequest, workflow_id: UUID, definition: DefinitionDoc, match: IfMatch = "") -> dict[str, Any]:
    """It need not be complete; what it asks for, kinds, configurations and conditions must be right. 409 after a faster one."""
    found = access.changeable_workflow(request.user, workflow_id)
    require_savable(definition)
    return _draft(_save(found, definition, _revision(match)))


@router.get("/{uuid:workflow_id}/steps", response=list[StepOut], summary="The steps of what is edited")
def steps(request: HttpRequest, workflow_id: UUID) -> list[dict[str, Any]]:
    """In their order; the first is where it begins."""
    version = exchange.edited_version(access.seen_workflow(request.user, workflow_id))
    if version is None:
        return []
    rows = version.steps.all()
    return [
        {"id": row.pk, "position": row.position, **step.model_dump()}
        for row, step in zip(rows, document_of(version).steps, strict=True)
    ]


@router.post("/{uuid:workflow_id}/steps", response={201: DraftOut, 409: None}, summary="Add a step")
def add_step(request: HttpRequest, workflow_id: UUID, wanted: StepIn, match: IfMatch = "") -> Status[dict[str, Any]]:
    """Nothing leads to it yet: PUT of the step before it says that it follows."""
    require_savable_step(wanted)

    def add(steps: list[StepDoc]) -> None:
        if len(steps) >= MAX_STEPS:
            raise ValidationError({"steps": f"A workflow has at most {MAX_STEPS} steps: let one run another."})
        place = len(steps) if wanted.position is None else wanted.position - 1
        steps.insert(place, StepDoc(**wanted.model_dump(exclude={"position"})))

    return Status(201, _edit(request, workflow_id, match, add))


@router.put("/{uuid:workflow_id}/steps/{slug:key}", response={200: DraftOut, 409: None}, summary="Change a step")
def change_step(request: HttpRequest, workflow_id: UUID, key: str, wanted: StepDoc, match: IfMatch = "") -> dict[str, Any]:
    """What leads to it stays, also if its key becomes another one."""
    require_savable_step(wanted)

    def put(steps: list[StepDoc]) -> None:
        steps[_place(steps, key)] = wanted
        for edge in (edge for step in steps for edge in step.next if edge.to == key):
            edge.to = wanted.key

    return _edit(request, workflow_id, match, put)


@router.delete("/{uuid:workflow_id}/steps/{slug:key}", response={200: DraftOut, 409: None}, summary="Remove a step")
def remove_step(request: HttpRequest, workflow_id: UUID, key: str, match: IfMatch = "") -> dict[str, Any]:
    """Whatever led to it ends there."""

    def remove(steps: list[StepDoc]) -> None:
        del steps[_place(steps, key)]
        for step in steps:
            step.next = [edge for edge in step.next if edge.to != key]

    return _edit(request, workflow_id, match, remove)


@router.post("/{uuid:workflow_id}/publish", response={200: VersionOut, 422: None}, summary="Publish the draft")
def publish(request: HttpRequest, workflow_id: UUID, wanted: PublishIn) -> WorkflowVersion:
    """It starts from now on; what runs goes on as it is. 422 names what is wrong, steps.KEY.FIELD."""
    found = access.changeable_workflow(request.user, workflow_id)
    try:
        version = services.publish(found, user=account(request), note=wanted.note)
    except services.NotPublishable as error:
        refuse(error.problems)
        raise
    return version


@router.get("/{uuid:workflow_id}/versions", response=list[VersionOut], summary="The published versions, newest first")
@paginate
def versions(request: HttpRequest, workflow_id: UUID) -> QuerySet[WorkflowVersion]:
    """None of them changes any more."""
    return _published(access.seen_workflow(request.user, workflow_id))


@router.get("/{uuid:workflow_id}/versions/{int:number}", response=VersionDetail, summary="A published version")
def version(request: HttpRequest, workflow_id: UUID, number: Number) -> WorkflowVersion:
    """With its definition."""
    return get_object_or_404(_published(access.seen_workflow(request.user, workflow_id)), number=number)


@router.get("/{uuid:workflow_id}/export", openapi_extra=FILE, summary="A workflow as a file")
def export(
    request: HttpRequest,
    workflow_id: UUID,
    form: Annotated[Literal["yaml", "json"], Query(alias="format")] = "yaml",
    number: Annotated[int | None, Query(alias="version", ge=1, lt=2**31)] = None,
) -> HttpResponse:
    """A published version by its number, or what is edited. The import takes it as it is."""
    found = access.seen_workflow(request.user, workflow_id)
    document = (
        exchange.edited_document(found) if number is None else document_of(get_object_or_404(_published(found), number=number))
    )
    return file_answer(exchange.write(document, form), f"{found.slug}.{form}", TYPES[form])


def _published(found: Workflow) -> QuerySet[WorkflowVersion]:
    return found.versions.filter(number__isnull=False).select_related("workflow")


def _edit(request: HttpRequest, workflow_id: UUID, match: str, edit: Callable[[list[StepDoc]], None]) -> dict[str, Any]:
    found = access.changeable_workflow(request.user, workflow_id)
    document = exchange.edited_document(found)
    edit(document.steps)
    return _draft(_save(found, document, found.revision if _revision(match) is None else _revision(match)))


def _save(found: Workflow, document: DefinitionDoc, revision: int | None) -> Workflow:
    try:
        return services.change_draft(found, document, revision=revision)
    except services.DraftChanged as error:
        raise HttpError(409, str(error)) from error


def _draft(found: Workflow) -> dict[str, Any]:
    document = exchange.edited_document(found)
    return {"revision": found.revision, "definition": document, "problems": problems(document)}


def _revision(match: str) -> int | None:
    """None for any; one that no draft has for what is no revision."""
    text = match.strip().strip('"')
    return None if text in {"", "*"} else whole(text)


def _place(steps: list[StepDoc], key: str) -> int:
    for place, step in enumerate(steps):
        if step.key == key:
            return place
    raise Http404
