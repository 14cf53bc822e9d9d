"""Definitions become workflows: those that people give, those that are ready, and files that are kept elsewhere."""

from django.db import transaction
from django.utils.text import slugify

from apps.users.models import User
from apps.workflows import exchange, services
from apps.workflows.definitions import DefinitionDoc
from apps.workflows.models import Project, Workflow
from apps.workflows.ready_templates import provide_templates
from apps.workflows.saving import require_savable


@transaction.atomic
def make_workflow(
    project: Project, *, user: User, document: DefinitionDoc | None = None, ready: str = "", **called: str
) -> Workflow:
    """A workflow of a definition, of a ready one with the templates that it speaks of, or an empty one.

    `called` may be name, slug and description. Raises ValidationError by field name.
    """
    if ready:
        document = exchange.ready_definition(ready)
        provide_templates(project, document, user=user)
    if document:
        require_savable(document)
    return services.create_workflow(project, user=user, document=document, **called)


@transaction.atomic
def import_definition(
    project: Project, document: DefinitionDoc, *, user: User, slug: str = "", is_published: bool = False
) -> Workflow:
    """The workflow of that slug, else of the definition's name, with the definition as its draft, or published at once.

    Raises ValidationError by field name, and NotPublishable.
    """
    require_savable(document)
    wanted = slug or slugify(document.name)[:40]
    # A name in a script that slugs do not have is looked for as it is.
    known = project.workflows.filter(**({"slug": wanted} if wanted else {"name": document.name})).first()
    if known:
        workflow = services.change_draft(known, document)
    else:
        workflow = services.create_workflow(project, user=user, slug=slug, document=document)
    if is_published:
        services.publish(workflow, user=user)
        workflow.refresh_from_db()
    return workflow
