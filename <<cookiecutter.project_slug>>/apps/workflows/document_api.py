"""`/api/v1/documents`, what steps have made, and `/api/v1/document-templates`, what they make it from."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import FilterSchema, Query, Router, Schema, Status
from ninja.errors import HttpError
from ninja.pagination import paginate
from pydantic import Base64Bytes

from apps.users.auth import account
from apps.workflows import access, documents, office
from apps.workflows.document_models import DocumentTemplate, GeneratedDocument
from config.files import file_answer

made, templates = Router(tags=["documents"]), Router(tags=["documents"])
PDF = "application/pdf"
FILE: dict[str, Any] = {
    "responses": {200: {"description": "The file", "content": {name: {} for name in [*office.MEDIA_TYPES.values(), PDF]}}}
}


class DocumentOut(Schema):
    """A document that a step made. One without a size is kept elsewhere, at `url`."""

    id: UUID
    execution_id: UUID
    step: str
    index: int
    filename: str
    media_type: str
    size: int
    url: str
    is_replaced: bool
    created_at: datetime


class DocumentFilters(FilterSchema):
    """Which documents."""

    execution_id: UUID | None = None


class TemplateIn(Schema):
    """A Word or PowerPoint file, in Base64. The file's name says which; `name` is by what steps choose it."""

    project_id: UUID
    filename: str
    content: Base64Bytes
    name: str = ""


class TemplateOut(Schema):
    """A template. `names` are those that it speaks of."""

    id: UUID
    project_id: UUID
    name: str
    kind: str
    filename: str
    size: int
    names: list[str]
    created_at: datetime


class TemplateFilters(FilterSchema):
    """Which templates."""

    project_id: UUID | None = None


@made.get("", response=list[DocumentOut], summary="Documents, newest first")
@paginate
def listed(request: HttpRequest, filters: Query[DocumentFilters]) -> QuerySet[GeneratedDocument]:
    """Those of the executions that one sees."""
    return filters.filter(GeneratedDocument.objects.visible_to(request.user).listed())


@made.get("/{uuid:document_id}", response=DocumentOut, summary="A document, without what it says")
def document(request: HttpRequest, document_id: UUID) -> GeneratedDocument:
    """What it is called, and who made it."""
    return get_object_or_404(GeneratedDocument.objects.visible_to(request.user).listed(), pk=document_id)


@made.get("/{uuid:document_id}/content", summary="What a document says", openapi_extra=FILE)
def content(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """The file. 404 for one that is kept elsewhere."""
    found = get_object_or_404(GeneratedDocument.objects.visible_to(request.user).filter(size__gt=0), pk=document_id)
    return file_answer(bytes(found.content), found.filename, found.media_type)


@templates.get("", response=list[TemplateOut], summary="Templates of documents, by name")
@paginate
def listed_templates(request: HttpRequest, filters: Query[TemplateFilters]) -> QuerySet[DocumentTemplate]:
    """Those of the projects that one sees."""
    return filters.filter(DocumentTemplate.objects.visible_to(request.user).listed())


@templates.post("", response={201: TemplateOut, 404: None}, summary="Store a template")
def store(request: HttpRequest, wanted: TemplateIn) -> Status[DocumentTemplate]:
    """It never changes: another wording is another template."""
    project = access.changeable_project(request.user, wanted.project_id)
    stored = documents.store_template(
        project, user=account(request), filename=wanted.filename, content=wanted.content, name=wanted.name
    )
    return Status(201, stored)


@templates.get("/{uuid:template_id}", response=TemplateOut, summary="A template, without the file")
def template(request: HttpRequest, template_id: UUID) -> DocumentTemplate:
    """What it is called, and of what it speaks."""
    return get_object_or_404(DocumentTemplate.objects.visible_to(request.user).listed(), pk=template_id)


@templates.get("/{uuid:template_id}/content", summary="A template as it was stored", openapi_extra=FILE)
def template_content(request: HttpRequest, template_id: UUID) -> HttpResponse:
    """The file."""
    found = get_object_or_404(DocumentTemplate.objects.visible_to(request.user), pk=template_id)
    return file_answer(bytes(found.content), found.filename, office.MEDIA_TYPES[found.kind])


@templates.delete("/{uuid:template_id}", response={204: None, 409: None}, summary="Delete a template")
def delete(request: HttpRequest, template_id: UUID) -> Status[None]:
    """409 for one that a step or a document was made with."""
    found = get_object_or_404(DocumentTemplate.objects.visible_to(request.user).listed(), pk=template_id)
    access.changeable_project(request.user, found.project_id)
    try:
        documents.delete_template(found)
    except ValidationError as error:
        raise HttpError(409, " ".join(error.messages)) from error
    return Status(204, None)
