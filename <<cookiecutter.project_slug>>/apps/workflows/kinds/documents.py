"""Kinds that make Word and PowerPoint files from the templates of the project."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from apps.executions.models import Execution
from apps.workflows import documents, office
from apps.workflows.document_models import GeneratedDocument
from apps.workflows.documents import File, NoDocument
from apps.workflows.kinds.base import TEMPLATE, Kind, KindConfig, StepContext, StepError, Text, Values, register

TemplateName = Annotated[str, Field(min_length=1, max_length=80, json_schema_extra={"format": TEMPLATE, "source": "templates"})]


class DocumentKind(Kind):
    """What kinds that make files have in common."""

    family = "Documents"
    office_kind: ClassVar[str]

    class Config(KindConfig):
        """`template` is its name in the project; `values` are what it finds beside the input, trigger, source and workflow."""

        template: TemplateName
        file_name: Text = ""
        values: Values = {}

    def run(self, config: Config, step: StepContext) -> dict[str, Any]:
        """Make the document, once however often the step is tried."""
        execution = Execution.objects.get(pk=step.execution_id)
        try:
            document, reused = documents.make_once(
                execution, step=step.step, index=step.index or 0, make=lambda: self._made(config, step, execution)
            )
        except (NoDocument, office.CannotFill) as error:
            raise StepError(str(error)) from error
        return said(document, reused=reused)

    def _made(self, config: Config, step: StepContext, execution: Execution) -> File:
        template = documents.template_of(execution, config.template, self.office_kind)
        ending = office.ENDING[self.office_kind]
        return File(
            filename=f"{(config.file_name or template.name).removesuffix(ending)}{ending}",
            media_type=office.MEDIA_TYPES[self.office_kind],
            content=office.fill(self.office_kind, bytes(template.content), {**shown(step.context), **config.values}),
            template=template,
        )


@register
class WordKind(DocumentKind):
    """Make a Word document from a template."""

    name = "microsoft-word"
    title = "Word document"
    office_kind = office.WORD


@register
class PowerPointKind(DocumentKind):
    """Make a PowerPoint presentation from a template."""

    name = "microsoft-powerpoint"
    title = "PowerPoint presentation"
    office_kind = office.POWERPOINT


def said(document: GeneratedDocument, *, reused: bool) -> dict[str, Any]:
    """What later steps may use of a document."""
    return {
        "document_id": str(document.pk),
        "filename": document.filename,
        "media_type": document.media_type,
        "size": document.size,
        "url": document.url,
        "reused": reused,
    }


def shown(context: Mapping[str, Any]) -> dict[str, Any]:
    """What a template finds without being told. Of steps it is told by `values`: those alone are looked up."""
    return {name: value for name, value in context.items() if name != "steps"}
