"""A definition becomes a workflow, or the draft of the one that it was before: for files that are kept elsewhere."""

from django.db import transaction
from django.utils.text import slugify

from apps.users.models import User
from apps.workflows import services
from apps.workflows.definitions import DefinitionDoc
from apps.workflows.models import Project, Workflow
from apps.workflows.saving import require_savable


@transaction.atomic
def import_definition(
    project: Project, document: DefinitionDoc, *, user: User, slug: str = "", is_published: bool = False
) -> Workflow:
    """The workflow of that slug, else of the definition's name, with the definition as its draft, or published at once.

    Raises ValidationError by field name, and NotPublishable.
    """
    require_savable(document.steps)
    known = project.workflows.filter(slug=slug or slugify(document.name)[:40]).first()
    if known:
        workflow = services.change_draft(known, document)
    else:
        workflow = services.create_workflow(project, user=user, slug=slug, document=document)
    if is_published:
        services.publish(workflow, user=user)
        workflow.refresh_from_db()
    return workflow
