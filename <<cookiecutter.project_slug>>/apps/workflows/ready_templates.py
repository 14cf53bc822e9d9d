"""The Word templates that ready definitions speak of: a project that takes such a definition gets them, unless it has its own."""

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Final

from docx import Document

from apps.users.models import User
from apps.workflows import documents
from apps.workflows.definitions import DefinitionDoc
from apps.workflows.models import Project


def provide_templates(project: Project, document: DefinitionDoc, *, user: User) -> None:
    """Store the templates that its steps name and the project does not have."""
    named = {str(step.config.get("template", "")) for step in document.steps}
    for name in sorted(named & TEMPLATES.keys()):
        if not project.document_templates.filter(name=name).exists():
            documents.store_template(project, user=user, filename=f"{name}.docx", content=TEMPLATES[name]())


def contract() -> bytes:
    """A contract to begin with."""
    document, file = Document(), BytesIO()
    document.add_heading("Contract with {{ input.client }}", level=0)
    document.add_paragraph("{{ input.subject }}")
    document.add_paragraph("The price is {{ input.amount | number }}.")
    document.add_paragraph("Signed by:")
    document.add_paragraph("{%p for signer in input.signers %}")
    document.add_paragraph("{{ signer }}", style="List Bullet")
    document.add_paragraph("{%p endfor %}")
    document.save(file)
    return file.getvalue()


TEMPLATES: Final[Mapping[str, Callable[[], bytes]]] = {"contract": contract}
