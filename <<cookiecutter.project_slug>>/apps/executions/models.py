"""Executions as this project sees them: a row for each, its tasks, and who changed what.

Only projection.py writes them. Temporal knows the truth, these rows are what pages and the API read.
"""

from collections.abc import Callable
from typing import Any, ClassVar, NoReturn, Self
from uuid import uuid4

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from apps.executions import states
from apps.users.models import User

MAX_ID, MAX_ERROR = 255, 2_000
# Lines of a task's log that are kept: the last ones.
MAX_LOG = 200
# What other apps let an account see beside its own executions: each gives a condition on them.
ALSO_VISIBLE: list[Callable[[Any], Q]] = []
VIEW, START, CHANGE, TERMINATE = "view_execution", "add_execution", "change_execution", "terminate_execution"


class ExecutionQuerySet(models.QuerySet["Execution"]):
    """Executions."""

    def visible_to(self, user: Any) -> Self:
        """Those that an account may see: its own, and every one with the permission."""
        if user.has_perm(f"executions.{VIEW}"):
            return self
        seen = Q(user_id=user.pk or 0)
        for others in ALSO_VISIBLE:
            seen |= others(user)
        return self.filter(seen)

    def listed(self) -> Self:
        """Without the large values that no list shows."""
        return self.defer("input", "result", "context", "trigger_data")


class Execution(models.Model):
    """One execution of a workflow, through all its attempts. `revision` grows with every change that a page may show."""

    class Status(models.TextChoices):
        PENDING = "pending"
        RUNNING = "running"
        PAUSED = "paused"
        COMPLETED = "completed"
        FAILED = "failed"
        CANCELED = "canceled"
        TERMINATED = "terminated"
        TIMED_OUT = "timed_out"

    class Trigger(models.TextChoices):
        MANUAL = "manual"
        API = "api"
        COMMAND = "command"
        SCHEDULE = "schedule"
        # % if cookiecutter.workflow_builder
        WEBHOOK = "webhook"
        EMAIL = "email"
        FORM = "form"
        HUBSPOT = "hubspot"
        # % endif
        CODE = "code"
        OUTSIDE = "outside"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    workflow = models.CharField(max_length=200)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="executions")
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    trigger = models.CharField(max_length=10, choices=Trigger, default=Trigger.CODE)
    trigger_ref = models.CharField(max_length=200, blank=True)
    trigger_data = models.JSONField(null=True, blank=True)
    source_object_type = models.CharField(max_length=100, blank=True)
    source_object_id = models.CharField(max_length=100, blank=True)
    input = models.JSONField(null=True, blank=True)
    context = models.JSONField(default=dict, blank=True)
    result = models.JSONField(null=True, blank=True)
    error_message = models.TextField(blank=True)
    current_step = models.CharField(max_length=200, blank=True)
    attempt = models.PositiveIntegerField(default=1)
    activities = models.PositiveIntegerField(null=True, blank=True, help_text="How many its last run says that it has scheduled.")
    has_plan = models.BooleanField(default=False, help_text="Whether tasks were planned before it ran.")
    tasks_done = models.PositiveIntegerField(default=0)
    tasks_total = models.PositiveIntegerField(default=0)
    temporal_workflow_id = models.CharField(max_length=MAX_ID, unique=True)
    temporal_run_id = models.CharField(max_length=255, blank=True)
    tenant = models.CharField(max_length=200, blank=True)
    task_queue = models.CharField(max_length=200, blank=True)
    idempotency_key = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001  NULL does not take part in the constraint
    revision = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    start_requested_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ExecutionQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")
        permissions: ClassVar = [(TERMINATE, "Can terminate execution")]
        indexes: ClassVar = [
            models.Index(fields=["-created_at", "-id"], name="execution_newest"),
            models.Index(fields=["status", "-created_at"], name="execution_status"),
            models.Index(fields=["workflow", "-created_at"], name="execution_workflow"),
            models.Index(fields=["user", "-created_at"], name="execution_user"),
            models.Index(fields=["workflow", "status"], condition=Q(status="paused"), name="execution_paused"),
            models.Index(fields=["updated_at"], condition=Q(status__in=["pending", "running", "paused"]), name="execution_open"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "idempotency_key"], name="one_execution_a_key"),
        ]

    def __str__(self) -> str:
        return self.temporal_workflow_id

    @property
    def is_open(self) -> bool:
        """Whether it may still change by itself."""
        return self.status in states.OPEN

    @property
    def is_planned(self) -> bool:
        """Whether it waits for somebody to start it."""
        return self.status == self.Status.PENDING and self.start_requested_at is None

    @property
    def state(self) -> str:
        """Where it stands, in words: what a person is told where the status alone would not say it."""
        match self.status:
            case self.Status.PENDING:
                return "planned" if self.is_planned else "queued"
            case self.Status.RUNNING | self.Status.PAUSED if self.cancel_requested_at:
                return "canceling"
            case status:
                return states.shown(status)

    @property
    def percent(self) -> int:
        """How much of the known tasks is done, from 0 to 100."""
        if self.status == self.Status.COMPLETED:
            return 100
        return 100 * self.tasks_done // self.tasks_total if self.tasks_total else 0


class TaskExecution(models.Model):
    """One task of an execution: an activity that was planned, runs, or ran. `tries` has its earlier attempts, `log` its lines.

    `run_id` and `activity_id` say which activity it is; both are empty while it is planned.
    """

    class Status(models.TextChoices):
        PENDING = "pending"
        RUNNING = "running"
        WAITING = "waiting"
        SUCCESS = "success"
        FAILED = "failed"
        SKIPPED = "skipped"
        CANCELED = "canceled"

    execution = models.ForeignKey(Execution, on_delete=models.PROTECT, related_name="tasks")
    name = models.CharField(max_length=200)
    attempt = models.PositiveIntegerField(default=1, help_text="The attempt of the execution that it belongs to.")
    position = models.PositiveIntegerField(default=0)
    run_id = models.CharField(max_length=255, blank=True)
    activity_id = models.CharField(max_length=255)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    carried = models.BooleanField(default=False, help_text="Done in an earlier attempt, and not done again.")
    scheduled_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    tries = models.JSONField(default=list, blank=True, encoder=DjangoJSONEncoder)
    output = models.JSONField(null=True, blank=True)
    error = models.TextField(blank=True)
    log = models.JSONField(default=list, blank=True)
    progress_done = models.PositiveBigIntegerField(null=True, blank=True)
    progress_total = models.PositiveBigIntegerField(null=True, blank=True)
    progress_message = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("execution_id", "attempt", F("scheduled_at").asc(nulls_last=True), "position", "pk")
        indexes: ClassVar = [models.Index(fields=["execution", "attempt", "scheduled_at", "position", "id"], name="task_order")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["execution", "run_id", "activity_id"], name="one_task_an_activity"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.status})"

    @property
    def duration_ms(self) -> int | None:
        """How long its last try took."""
        if self.started_at is None or self.completed_at is None:
            return None
        return int((self.completed_at - self.started_at).total_seconds() * 1000)

    @property
    def percent(self) -> int | None:
        """How far it is, where it says so."""
        if not self.progress_total or self.progress_done is None:
            return None
        return min(100, 100 * self.progress_done // self.progress_total)


class _AppendOnly(models.QuerySet["ExecutionEvent"]):
    def update(self, **_: Any) -> NoReturn:
        raise TypeError("The audit trail is only ever added to.")

    def delete(self) -> NoReturn:
        raise TypeError("The audit trail is only ever added to.")


class ExecutionEvent(models.Model):
    """One line of the audit trail: who did what to an execution, when and why. Nothing is changed or removed."""

    execution = models.ForeignKey(Execution, on_delete=models.PROTECT, related_name="events")
    at = models.DateTimeField(default=timezone.now)
    action = models.CharField(max_length=20)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    by = models.CharField(max_length=20, help_text="user, workflow, outbox or reconcile")
    before = models.CharField(max_length=10, blank=True)
    after = models.CharField(max_length=10, blank=True)
    reason = models.TextField(blank=True)
    attempt = models.PositiveIntegerField(default=1)
    run_id = models.CharField(max_length=255, blank=True)

    objects = _AppendOnly.as_manager()

    class Meta:
        ordering = ("pk",)
        indexes: ClassVar = [models.Index(fields=["execution", "id"], name="event_order")]

    def __str__(self) -> str:
        return f"{self.action}: {self.before} → {self.after}"

    def save(self, **options: Any) -> None:
        """Add the line. Raises TypeError for one that is there."""
        if not self._state.adding:
            raise TypeError("The audit trail is only ever added to.")
        super().save(**options)

    def delete(self, using: Any = None, keep_parents: bool = False) -> NoReturn:
        """Raises TypeError."""
        raise TypeError("The audit trail is only ever added to.")


type Actor = User | None
