"""Reports as they were written. They are kept in the database: it has what is needed to say who may read them."""

from typing import Any, ClassVar, Self
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.executions.models import Execution

MAX_ERROR = 500
VIEW, ADD = "reports.view_report", "reports.add_report"
TYPES = {"html": "text/html; charset=utf-8", "csv": "text/csv; charset=utf-8", "pdf": "application/pdf"}


class ReportQuerySet(models.QuerySet["Report"]):
    """Reports."""

    def visible_to(self, user: Any) -> Self:
        """Those that an account may read: of its own executions, and every one with the permission."""
        return self if user.has_perm(VIEW) else self.filter(execution__user_id=user.pk or 0)

    def ready(self) -> Self:
        """Those that can be read."""
        return self.filter(status=Report.Status.READY)

    def listed(self) -> Self:
        """Without what they say, newest first."""
        return self.select_related("execution").defer("content", "execution__input", "execution__result", "execution__context")


class Report(models.Model):
    """A report in one format: of one attempt of an execution, or the summary of a day. `recipients` get it by mail."""

    class Format(models.TextChoices):
        HTML = "html", "HTML"
        CSV = "csv", "CSV"
        PDF = "pdf", "PDF"

    class Status(models.TextChoices):
        QUEUED = "queued"
        READY = "ready"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    execution = models.ForeignKey(Execution, null=True, blank=True, on_delete=models.CASCADE, related_name="reports")
    attempt = models.PositiveIntegerField(null=True, blank=True, help_text="The attempt of the execution.")
    day = models.DateField(null=True, blank=True, help_text="The day that it sums up, where it is of no execution.")
    format = models.CharField(max_length=4, choices=Format)
    status = models.CharField(max_length=6, choices=Status, default=Status.QUEUED)
    error = models.CharField(max_length=MAX_ERROR, blank=True)
    recipients = models.JSONField(default=list, blank=True)
    content = models.BinaryField(default=b"", editable=False)
    size = models.PositiveIntegerField(default=0, help_text="In bytes.")
    created_at = models.DateTimeField(default=timezone.now)
    generated_at = models.DateTimeField(null=True, blank=True)

    objects = ReportQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")
        indexes: ClassVar = [models.Index(fields=["-created_at", "-id"], name="report_newest")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["execution", "attempt", "format"], name="one_report_an_attempt"),
            models.UniqueConstraint(fields=["day", "format"], name="one_summary_a_day"),
            models.CheckConstraint(
                condition=models.Q(execution__isnull=False, attempt__isnull=False, day=None)
                | models.Q(execution=None, attempt=None, day__isnull=False),
                name="of_an_execution_or_a_day",
            ),
        ]

    def __str__(self) -> str:
        return self.filename

    @property
    def kind(self) -> str:
        """`execution` or `summary`."""
        return "execution" if self.execution_id else "summary"

    @property
    def subject(self) -> str:
        """What it is about, the same for each of its formats."""
        return f"{self.execution.temporal_workflow_id}-{self.attempt}" if self.execution else f"summary-{self.day}"

    @property
    def filename(self) -> str:
        """What a browser stores it as."""
        return f"{self.subject}.{self.format}"

    @property
    def content_type(self) -> str:
        """What its content is."""
        return TYPES[self.format]

    def written(self, content: bytes) -> None:
        """Store what it says."""
        self.content, self.size, self.status, self.error = content, len(content), self.Status.READY, ""
        self.generated_at = timezone.now()
        self.save(update_fields=["content", "size", "status", "error", "generated_at"])

    def failed(self, reason: str) -> None:
        """Note why it could not be written."""
        self.status, self.error = self.Status.FAILED, reason[:MAX_ERROR]
        self.save(update_fields=["status", "error"])


def settings_of(workflow: str) -> dict[str, Any]:
    """What the settings want at the end of that workflow's executions: empty when nothing."""
    return dict(settings.REPORTS.get(workflow, {}))
