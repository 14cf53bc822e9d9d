"""What people do to definitions. Each is one transaction; a change of a draft makes its revision grow."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max, ProtectedError
from django.utils import timezone
from django.utils.text import slugify

from apps.executions import services as executions
from apps.executions.models import Actor, Execution
from apps.users.models import User
from apps.workflows import drafts, exchange, starting
from apps.workflows.definitions import DefinitionDoc, Problem, document_of
from apps.workflows.models import Membership, Project, Workflow, WorkflowVersion
from apps.workflows.storable import require_plain
from apps.workflows.validation import problems


class NotPublishable(Exception):  # noqa: N818  says what is so, as Django's DoesNotExist does
    """A draft has problems. `problems` has them all, each with its step."""

    def __init__(self, found: list[Problem]) -> None:
        super().__init__(
            "; ".join(f"{problem.step}: {problem.message}" if problem.step else problem.message for problem in found)
        )
        self.problems = found


class DraftChanged(Exception):  # noqa: N818  as above
    """Somebody else has changed the draft since it was read."""


@transaction.atomic
def create_project(*, name: str, owner: User, slug: str = "") -> Project:
    """A project of that account. Raises ValidationError by field name."""
    project = Project(name=name, slug=slug or _free_slug(Project.objects.all(), name), owner=owner)
    project.full_clean()
    project.save()
    return project


@transaction.atomic
def rename_project(project: Project, *, name: str) -> Project:
    """Call a project otherwise; its slug stays, as others start its workflows by it. Raises ValidationError by field name."""
    project.name = name
    project.full_clean()
    project.save(update_fields=["name"])
    return project


@transaction.atomic
def delete_project(project: Project) -> None:
    """Delete a project that has no workflow. Raises ValidationError for one in use."""
    try:
        project.delete()
    except ProtectedError as error:
        raise ValidationError(f"{project.name} has workflows: delete or archive those first.") from error


@transaction.atomic
def set_member(project: Project, *, user: User, role: str) -> Membership:
    """Make an account a viewer or an editor of a project. Raises ValidationError for another role."""
    if role not in Membership.Role.values:
        raise ValidationError({"role": f"There is no role {role!r}: choose {' or '.join(Membership.Role.values)}."})
    membership, _ = Membership.objects.update_or_create(project=project, user=user, defaults={"role": role})
    return membership


@transaction.atomic
def remove_member(project: Project, *, user: User) -> None:
    """Take an account out of a project. Raises Membership.DoesNotExist for one that is no member."""
    Membership.objects.get(project=project, user=user).delete()


@transaction.atomic
def create_workflow(
    project: Project, *, user: User, name: str = "", slug: str = "", description: str = "", document: DefinitionDoc | None = None
) -> Workflow:
    """A workflow with an empty draft, or with the document as its draft. Raises ValidationError by field name."""
    name = name or (document.name if document else "")
    workflow = Workflow(
        project=project,
        name=name,
        slug=slug or _free_slug(project.workflows.all(), name),
        description=description or (document.description if document else ""),
        created_by=user,
    )
    workflow.full_clean()
    workflow.save()
    draft = drafts.draft_of(workflow)
    if document:
        drafts.write(draft, document)
    return workflow


@transaction.atomic
def change_draft(workflow: Workflow, document: DefinitionDoc, *, revision: int | None = None) -> Workflow:
    """Make the draft what a document says, whatever is still wrong with it. Raises DraftChanged if `revision` is not its own."""
    workflow = _locked(workflow)
    if revision is not None and revision != workflow.revision:
        raise DraftChanged("Somebody else has changed this workflow meanwhile: look at it again.")
    drafts.write(drafts.draft_of(workflow), document)
    workflow.name, workflow.description = document.name, document.description
    workflow.revision += 1
    workflow.save()
    return workflow


@transaction.atomic
def rename_workflow(workflow: Workflow, *, name: str, description: str) -> Workflow:
    """Call a workflow otherwise, and say otherwise what it is for; its slug stays. Raises ValidationError by field name."""
    workflow = _locked(workflow)
    workflow.name, workflow.description = name, description
    workflow.full_clean()
    workflow.save(update_fields=["name", "description", "updated_at"])
    return workflow


@transaction.atomic
def publish(workflow: Workflow, *, user: User, note: str = "") -> WorkflowVersion:
    """Make the draft the version that starts from now on; what runs goes on as it is. Raises NotPublishable."""
    workflow = _locked(workflow)
    draft = drafts.draft_of(workflow)
    if found := problems(document_of(draft)):
        raise NotPublishable(found)
    newest = workflow.versions.aggregate(newest=Max("number"))["newest"] or 0
    draft.number, draft.note, draft.published_at, draft.published_by = newest + 1, note, timezone.now(), user
    draft.save()
    workflow.current, workflow.status = draft, Workflow.Status.ACTIVE
    workflow.revision += 1
    workflow.save()
    return draft


@transaction.atomic
def set_status(workflow: Workflow, status: str) -> Workflow:
    """Archive a workflow, which then starts no more, or make it active again. Raises ValidationError."""
    workflow = _locked(workflow)
    if status == Workflow.Status.ACTIVE and workflow.current is None:
        raise ValidationError({"status": f"{workflow.name} was never published: publish it."})
    workflow.status = Workflow.Status(status)
    workflow.save(update_fields=["status", "updated_at"])
    return workflow


@transaction.atomic
def delete_workflow(workflow: Workflow) -> None:
    """Delete a workflow that never ran. Raises ValidationError for one that did."""
    workflow = _locked(workflow)
    if Execution.objects.filter(run__version__workflow=workflow).exists():
        raise ValidationError(f"{workflow.name} has executions, which are kept: archive it.")
    Workflow.objects.filter(pk=workflow.pk).update(current=None)
    workflow.delete()


@transaction.atomic
def duplicate(workflow: Workflow, *, user: User, project: Project | None = None, name: str = "") -> Workflow:
    """A workflow under another name, whose draft is what is edited of this one. That stays as it is: a viewer may copy it."""
    document = exchange.edited_document(_locked(workflow))
    wanted = name or f"{workflow.name} (copy)"[:100]
    return create_workflow(project or workflow.project, user=user, name=wanted, document=document)


@transaction.atomic
def start(
    version: WorkflowVersion,
    *,
    values: Any,
    user: Actor = None,
    trigger: str = Execution.Trigger.MANUAL,
    key: str = "",
    is_planned: bool = False,
    is_test: bool = False,
    depth: int = 0,
    trigger_payload: Any = None,
    source_data: Any = None,
    metadata: Any = None,
    **facts: Any,
) -> Execution:
    """Start a version if, and only if, this transaction commits: for every trigger, and for people. `is_planned` only plans it.

    `facts` may be trigger_ref, source_object_type, source_object_id. Whether the account may is the caller's to ask; a key
    counts for the account. Raises ValidationError by field name for an input that does not fit, or an inactive workflow.
    """
    if not is_test:
        starting.require_active(version.workflow)
    startable = starting.startable(version, depth=depth, is_test=is_test)
    given = {"trigger": trigger_payload, "source": source_data or {}, "metadata": metadata or {}}
    context = require_plain(given, field="metadata", said="What is said beside the input cannot be stored")
    execution = executions.plan_execution(
        workflow=startable.workflow,
        values=values,
        user=user,
        trigger=trigger,
        key=key,
        startable=startable,
        context=context,
        **facts,
    )
    if execution.is_planned and not is_planned:
        execution = executions.start_execution(execution, user=user)
    return execution


def _locked(workflow: Workflow) -> Workflow:
    # Without a join: PostgreSQL reads a joined row before it waits for the lock, and would find no current version after it.
    return Workflow.objects.select_for_update().get(pk=workflow.pk)


def _free_slug(taken: Any, name: str) -> str:
    wanted = slugify(name)[:40] or "workflow"
    used = set(taken.filter(slug__startswith=wanted).values_list("slug", flat=True))
    numbers = (f"{wanted}-{number}" for number in range(2, len(used) + 3))
    return wanted if wanted not in used else next(slug for slug in numbers if slug not in used)
