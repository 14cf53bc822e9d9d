"""Workflows that people define: a project has workflows, a workflow has versions, a version has steps.

A version that was published never changes, and an execution belongs to one version for good. Every project has at most one
draft of each workflow.
"""

from typing import Any, ClassVar, Self
from uuid import uuid4

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.executions.models import Execution
from apps.workflows import document_models  # noqa: F401  Django looks for models here
from apps.workflows.ordered import OrderedJSONField


class ProjectQuerySet(models.QuerySet["Project"]):
    """Projects."""

    def visible_to(self, user: Any) -> Self:
        """Those that an account may see: its own, those it is a member of, and every one with the permission."""
        return self if user.has_perm("workflows.view_project") else self.filter(_of(user, "")).distinct()

    def changeable_by(self, user: Any) -> Self:
        """Those whose workflows an account may change, publish and run: as owner or editor, or with the permission."""
        if user.has_perm("workflows.change_project"):
            return self
        return self.filter(Q(owner_id=user.pk or 0) | Q(memberships__user_id=user.pk or 0, memberships__role="editor")).distinct()


class Project(models.Model):
    """What belongs together: workflows, the people who work on them, and the tenant whose fair part of the workers they get."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=50, unique=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="owned_projects")
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Membership", related_name="projects")
    created_at = models.DateTimeField(default=timezone.now)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ("name", "id")

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """An account in a project: a viewer sees its workflows and executions, an editor changes, publishes and runs them."""

    class Role(models.TextChoices):
        VIEWER = "viewer"
        EDITOR = "editor"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=6, choices=Role, default=Role.VIEWER)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "user"], name="one_membership_a_project")]

    def __str__(self) -> str:
        return f"{self.user} as {self.role}"


class WorkflowQuerySet(models.QuerySet["Workflow"]):
    """Workflows."""

    def visible_to(self, user: Any) -> Self:
        """Those of the projects that an account may see."""
        return self if user.has_perm("workflows.view_project") else self.filter(_of(user, "project__")).distinct()

    def changeable_by(self, user: Any) -> Self:
        """Those of the projects that an account may change."""
        return self.filter(project__in=Project.objects.changeable_by(user))


class Workflow(models.Model):
    """A workflow that people defined. `current` is the version that starts; `revision` grows with every change of the draft."""

    class Status(models.TextChoices):
        DRAFT = "draft"
        ACTIVE = "active"
        ARCHIVED = "archived"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="workflows")
    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=80)
    description = models.TextField(blank=True, max_length=2_000)
    status = models.CharField(max_length=8, choices=Status, default=Status.DRAFT)
    current = models.ForeignKey("WorkflowVersion", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    revision = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    objects = WorkflowQuerySet.as_manager()

    class Meta:
        ordering = ("name", "id")
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "slug"], name="one_workflow_a_slug")]

    def __str__(self) -> str:
        return self.name

    @property
    def full_name(self) -> str:
        """What its executions are listed under, and what starts it by name: project/workflow."""
        return f"{self.project.slug}/{self.slug}"


class WorkflowVersion(models.Model):
    """The steps of a workflow at one time. Without a number it is the draft; with one it was published and stays as it is."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(null=True, blank=True)
    input_schema = OrderedJSONField(default=dict, blank=True)
    note = models.CharField(max_length=500, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ("-number",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workflow", "number"], name="one_version_a_number"),
            models.UniqueConstraint(fields=["workflow"], condition=Q(number=None), name="one_draft_a_workflow"),
        ]

    def __str__(self) -> str:
        return f"version {self.number}" if self.number else "draft"

    def save(self, **options: Any) -> None:
        """Raises ValidationError for one that was published before."""
        if not self._state.adding:
            _refuse_published(self.pk)
        super().save(**options)

    @property
    def is_published(self) -> bool:
        """Whether nothing of it may change any more."""
        return self.published_at is not None


class Step(models.Model):
    """A step of a version. `key` is its name in expressions, `position` its place in lists; edges say what follows it.

    `timeout_seconds`, `attempts` and `first_retry_seconds` are the kind's own where they are empty.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    version = models.ForeignKey(WorkflowVersion, on_delete=models.CASCADE, related_name="steps")
    key = models.CharField(max_length=50)
    kind = models.CharField(max_length=50)
    name = models.CharField(max_length=100)
    position = models.PositiveIntegerField()
    config = OrderedJSONField(default=dict, blank=True)
    timeout_seconds = models.PositiveIntegerField(null=True, blank=True)
    attempts = models.PositiveIntegerField(null=True, blank=True)
    first_retry_seconds = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering = ("position", "key")
        constraints: ClassVar = [models.UniqueConstraint(fields=["version", "key"], name="one_step_a_key")]

    def __str__(self) -> str:
        return self.name

    def save(self, **options: Any) -> None:
        """Raises ValidationError for a step of a published version."""
        _refuse_published(self.version_id)
        super().save(**options)

    def delete(self, using: Any = None, keep_parents: bool = False) -> tuple[int, dict[str, int]]:
        """Raises ValidationError for a step of a published version."""
        _refuse_published(self.version_id)
        return super().delete(using, keep_parents)


class Edge(models.Model):
    """What follows a step: the first edge whose condition holds, in their order, or the one without a condition."""

    source = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="edges")
    target = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="+")
    condition = models.TextField(blank=True)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("position", "pk")

    def __str__(self) -> str:
        return f"{self.source.key} to {self.target.key}"


class Run(models.Model):
    """What an execution of a definition has beside: its version, and how deep it stands in workflows that run workflows."""

    execution = models.OneToOneField(Execution, primary_key=True, on_delete=models.PROTECT, related_name="run")
    version = models.ForeignKey(WorkflowVersion, on_delete=models.PROTECT, related_name="runs")
    depth = models.PositiveIntegerField(default=0)
    is_test = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.version} of {self.version.workflow_id}"


class StepRun(models.Model):
    """One step in one attempt of an execution: where it stands and what it gave. A step that succeeded is not done again.

    `decision` is the key of the step that it went on to where conditions chose; `waits_until` the end of what it waits for.
    """

    class Status(models.TextChoices):
        RUNNING = "running"
        WAITING = "waiting"
        SUCCESS = "success"
        FAILED = "failed"
        CANCELED = "canceled"

    execution = models.ForeignKey(Execution, on_delete=models.PROTECT, related_name="steps")
    key = models.CharField(max_length=50)
    attempt = models.PositiveIntegerField(default=1)
    kind = models.CharField(max_length=50)
    name = models.CharField(max_length=100)
    status = models.CharField(max_length=8, choices=Status, default=Status.RUNNING)
    is_reused = models.BooleanField(default=False, help_text="Done in an earlier attempt, and not done again.")
    is_void = models.BooleanField(default=False, help_text="To be done again if its execution comes by once more.")
    output = models.JSONField(null=True, blank=True)
    error = models.TextField(blank=True)
    decision = models.CharField(max_length=50, blank=True)
    reason = models.TextField(blank=True, help_text="Which condition chose the next step.")
    waits_until = models.DateTimeField(null=True, blank=True)
    items_total = models.PositiveIntegerField(null=True, blank=True)
    items_done = models.PositiveIntegerField(default=0)
    items_failed = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(default=timezone.now)
    completed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("started_at", "pk")
        constraints: ClassVar = [models.UniqueConstraint(fields=["execution", "key", "attempt"], name="one_step_an_attempt")]

    def __str__(self) -> str:
        return f"{self.key} ({self.status})"

    @property
    def duration_ms(self) -> int | None:
        """How long it took, with its waiting."""
        return int((self.completed_at - self.started_at).total_seconds() * 1000) if self.completed_at else None


class ItemPart(models.Model):
    """Some items of a step that does something to each of a list. `done` of them were tried."""

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="item_parts")
    key = models.CharField(max_length=50)
    number = models.PositiveIntegerField()
    first = models.PositiveIntegerField(help_text="The place of its first item in the whole list, from 0.")
    values = models.JSONField()
    done = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["execution", "key", "number"], name="one_part_a_number")]

    def __str__(self) -> str:
        return f"part {self.number} of {self.key}"


class ItemFailure(models.Model):
    """An item that could not be done, and why. One that is not final is tried again."""

    part = models.ForeignKey(ItemPart, on_delete=models.CASCADE, related_name="failures")
    index = models.PositiveIntegerField(help_text="Its place in the whole list, from 0.")
    value = models.JSONField(null=True)
    error = models.TextField()
    is_final = models.BooleanField(default=True)

    class Meta:
        ordering = ("index",)
        constraints: ClassVar = [models.UniqueConstraint(fields=["part", "index"], name="one_failure_an_item")]

    def __str__(self) -> str:
        return f"item {self.index}"


def _of(user: Any, prefix: str) -> Q:
    return Q(**{f"{prefix}owner_id": user.pk or 0}) | Q(**{f"{prefix}memberships__user_id": user.pk or 0})


def _refuse_published(version_id: Any) -> None:
    if WorkflowVersion.objects.filter(pk=version_id, number__isnull=False).exists():
        raise ValidationError("A published version is never changed: change the draft and publish it.")
