"""Files that steps of definitions make, and the templates that they are made from. Both are kept in the database: it has what is
needed to say who may read them, and a copy of it is whole.
"""

from typing import Any, ClassVar, Self
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.executions.models import Execution
from apps.workflows import models as definitions


class DocumentTemplateQuerySet(models.QuerySet["DocumentTemplate"]):
    """Templates."""

    def visible_to(self, user: Any) -> Self:
        """Those of the projects that an account may see."""
        return self.filter(project__in=definitions.Project.objects.visible_to(user))

    def listed(self) -> Self:
        """Without the files themselves."""
        return self.select_related("project", "created_by").defer("content")


class DocumentTemplate(models.Model):
    """A Word or PowerPoint file with places to fill. It never changes, so that what was published makes what it made.

    `names` are those that the file speaks of, such as client in a file that has `{{ client.name }}`.
    """

    class Kind(models.TextChoices):
        WORD = "word", "Word"
        POWERPOINT = "powerpoint", "PowerPoint"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    project = models.ForeignKey("workflows.Project", on_delete=models.CASCADE, related_name="document_templates")
    name = models.SlugField(max_length=80)
    kind = models.CharField(max_length=10, choices=Kind)
    filename = models.CharField(max_length=200)
    content = models.BinaryField(editable=False)
    size = models.PositiveIntegerField(help_text="In bytes.")
    names = models.JSONField(default=list, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    objects = DocumentTemplateQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "name"], name="one_template_a_name")]

    def __str__(self) -> str:
        return self.name


class GeneratedDocumentQuerySet(models.QuerySet["GeneratedDocument"]):
    """Documents."""

    def visible_to(self, user: Any) -> Self:
        """Those of the executions that an account may see."""
        return self.filter(execution__in=Execution.objects.visible_to(user).values("pk"))

    def listed(self) -> Self:
        """Without what they say, newest first."""
        hidden = ("content", "execution__input", "execution__result", "execution__context")
        return self.select_related("execution").defer(*hidden)

    def make_again(self, execution: Execution) -> int:
        """Have an execution make its documents anew when it comes by again, and give their number. Those that there are stay."""
        return self.filter(execution=execution, is_replaced=False).update(is_replaced=True)


class GeneratedDocument(models.Model):
    """A document that a step made, or had made elsewhere: then `url` is where it is, and `ref` what it is called there.

    A step makes one, for each item one where it does something to each of a list. One that `is_replaced` was made before its
    effects were wanted again.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    execution = models.ForeignKey(Execution, on_delete=models.PROTECT, related_name="documents")
    step = models.CharField(max_length=50)
    index = models.PositiveIntegerField(default=0, help_text="The place of its item in the list, 0 without a list.")
    template = models.ForeignKey(DocumentTemplate, null=True, blank=True, on_delete=models.PROTECT, related_name="documents")
    filename = models.CharField(max_length=200)
    media_type = models.CharField(max_length=100)
    content = models.BinaryField(default=b"", editable=False)
    size = models.PositiveIntegerField(default=0, help_text="In bytes.")
    url = models.CharField(max_length=500, blank=True)
    ref = models.CharField(max_length=200, blank=True)
    is_replaced = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    objects = GeneratedDocumentQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")
        indexes: ClassVar = [models.Index(fields=["-created_at", "-id"], name="document_newest")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["execution", "step", "index"], condition=Q(is_replaced=False), name="one_document_a_step"
            ),
        ]

    def __str__(self) -> str:
        return self.filename
