"""Templates are stored and documents made here. Rows: document_models.py. Files themselves: office.py."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify

from apps.executions.models import Execution
from apps.users.models import User
from apps.workflows import office
from apps.workflows.document_models import DocumentTemplate, GeneratedDocument
from apps.workflows.models import Project, Step

MAX_TEMPLATES = 200
MAX_NAME = 150
# What a file's name has in no system.
NOT_IN_NAMES = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f]+')


class NoDocument(ValueError):  # noqa: N818  says what is so, as Django's DoesNotExist does
    """What should be a document of the project is none. The message is a sentence."""


@dataclass(frozen=True, kw_only=True)
class File:
    """What a step makes: a file, or `url` and `ref` of what was made elsewhere."""

    filename: str
    media_type: str
    content: bytes = b""
    template: DocumentTemplate | None = None
    url: str = ""
    ref: str = ""


@transaction.atomic
def store_template(project: Project, *, user: User, filename: str, content: bytes, name: str = "") -> DocumentTemplate:
    """Store a Word or PowerPoint file as a template of a project. Raises ValidationError by field name."""
    kind, names = office.read_template(filename, content)
    if project.document_templates.count() >= MAX_TEMPLATES:
        raise ValidationError({"file": f"A project has at most {MAX_TEMPLATES} templates: delete one."})
    template = DocumentTemplate(
        project=project,
        name=slugify(name or PurePath(filename).stem)[:80],
        kind=kind,
        filename=file_name(filename),
        content=content,
        size=len(content),
        names=names,
        created_by=user,
    )
    if project.document_templates.filter(name=template.name).exists():
        raise ValidationError({"name": f"There is a template {template.name}: a template never changes, so use another name."})
    template.full_clean()
    template.save()
    return template


@transaction.atomic
def delete_template(template: DocumentTemplate) -> None:
    """Delete a template. Raises ValidationError for one that a step or a document was made with."""
    steps = Step.objects.filter(version__workflow__project=template.project_id).select_related("version__workflow")
    if used := next((step for step in steps if template.name in _templates_in(step.config)), None):
        raise ValidationError(f"{template.name} is used by {used.version.workflow.name}, step {used.name}: change that first.")
    if template.documents.exists():
        raise ValidationError(f"Documents were made with {template.name}, and are kept.")
    template.delete()


def template_of(execution: Execution, name: str, kind: str) -> DocumentTemplate:
    """The template of that name in the project of an execution. Raises NoDocument."""
    of_kind = DocumentTemplate.objects.filter(project__workflows__versions__runs=execution.pk, kind=kind)
    found = of_kind.filter(name=name).first()
    if found is None:
        names = ", ".join(of_kind.order_by("name").values_list("name", flat=True)[:20]) or "none"
        raise NoDocument(f"the project has no {office.SHOWN[kind]} {name!r} among its templates, but {names}")
    return found


def make_once(execution: Execution, *, step: str, index: int, make: Callable[[], File]) -> tuple[GeneratedDocument, bool]:
    """The document of a step, made unless it is there, and whether it was."""
    made = GeneratedDocument.objects.filter(execution=execution, step=step, index=index, is_replaced=False)
    if found := made.defer("content").first():
        return found, True
    file = make()
    # Two attempts may be here at once: one row comes of it.
    document, created = made.get_or_create(
        defaults={
            "execution": execution,
            "step": step,
            "index": index,
            "template": file.template,
            "filename": file_name(file.filename),
            "media_type": file.media_type,
            "content": file.content,
            "size": len(file.content),
            "url": file.url,
            "ref": file.ref,
        }
    )
    return document, not created


def documents_in(value: Any, *, execution: Execution) -> list[GeneratedDocument]:
    """The documents that a value names: by their ids, or by what the steps gave that made them. Raises NoDocument.

    They are documents of the same project: an id may come from outside.
    """
    wanted = list(dict.fromkeys(_ids(value)))
    project = Project.objects.filter(workflows__versions__runs=execution.pk)
    found = GeneratedDocument.objects.filter(pk__in=wanted, execution__run__version__workflow__project__in=project)
    by_id = {document.pk: document for document in found}
    if missing := [str(pk) for pk in wanted if pk not in by_id]:
        raise NoDocument(f"the project has no document {missing[0]}")
    if elsewhere := [document.filename for document in by_id.values() if not document.size]:
        raise NoDocument(f"{elsewhere[0]} is kept elsewhere, and is no file here")
    return [by_id[pk] for pk in wanted]


def file_name(text: str) -> str:
    """A text as the name of a file, with its ending."""
    name = " ".join(NOT_IN_NAMES.sub(" ", text).split()).strip(". ")
    path = PurePath(name or "document")
    return f"{path.stem[:MAX_NAME]}{path.suffix[:10]}"


def _templates_in(config: Mapping[str, Any]) -> list[Any]:
    """What a step names as its template, and what it does with each item of a list."""
    inner = config.get("do") or {}
    return [config.get("template"), inner.get("config", {}).get("template")]


def _ids(value: Any) -> Iterator[UUID]:
    match value:
        case None | "":
            return
        case {"document_id": key}:
            yield from _ids(key)
        case list() | tuple():
            for each in value:
                yield from _ids(each)
        case _:
            try:
                yield UUID(str(value))
            except ValueError as error:
                raise NoDocument(f"{value!r} is no document: name a step that made one, steps.KEY.output") from error
