"""Batches, how far each of their ranges is, and the rows that failed."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import models
from django.db.models import Sum

from apps.batch.shared import Failure, batch_workflow_id

MAX_REASON = 500


class Batch(models.Model):
    """One batch. Its counts are the sums of its ranges, so that no row of theirs can be counted twice or lost."""

    class Status(models.TextChoices):
        PENDING = "pending"
        RUNNING = "running"
        COMPLETED = "completed"
        CANCELED = "canceled"
        FAILED = "failed"

    batch_id = models.CharField(max_length=200, unique=True)
    action = models.CharField(max_length=100)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    total = models.PositiveBigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)
        verbose_name_plural = "batches"

    def __str__(self) -> str:
        return self.batch_id

    @property
    def workflow_id(self) -> str:
        """The id of its execution."""
        return batch_workflow_id(self.batch_id)

    def counts(self) -> dict[str, int]:
        """Rows `succeeded` and `failed` up to now."""
        sums = self.ranges.aggregate(succeeded=Sum("succeeded", default=0), failed=Sum("failed", default=0))
        return {"succeeded": sums["succeeded"], "failed": sums["failed"]}

    def sample_of_failures(self, size: int) -> list[Failure]:
        """The first failures."""
        return [Failure(row=failure.row, reason=failure.reason) for failure in self.failures.order_by("pk")[:size]]

    def record_failures(self, refused: Mapping[Any, str]) -> None:
        """List rows, by primary key, with the reason."""
        BatchFailure.objects.bulk_create(
            (BatchFailure(batch=self, row=str(pk), reason=reason[:MAX_REASON]) for pk, reason in refused.items()),
            ignore_conflicts=True,
        )


class BatchRange(models.Model):
    """How far one range is. Saved in the transaction of the rows themselves: what `cursor` says is done is done, once."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="ranges")
    number = models.PositiveIntegerField()
    cursor = models.JSONField(null=True)
    succeeded = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    finished = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["batch", "number"], name="one_range_of_a_number")]

    def __str__(self) -> str:
        return f"{self.batch_id}/{self.number}"


class BatchFailure(models.Model):
    """A row that failed, by primary key, and why."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="failures")
    row = models.CharField(max_length=100)
    reason = models.CharField(max_length=MAX_REASON)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("pk",)
        constraints: ClassVar = [models.UniqueConstraint(fields=["batch", "row"], name="one_failure_a_row")]

    def __str__(self) -> str:
        return f"{self.row}: {self.reason}"
