"""What people are asked: a request belongs to one step of an execution in one attempt, and each person has a row in it.

An approval and a request for signatures are the same thing under two names: people say yes or no, and enough of one decides.
"""

from typing import ClassVar, Self
from uuid import uuid4

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from apps.approvals.shared import APPROVED, DECLINED, EXPIRED, REJECTED, SIGNED
from apps.executions.models import Execution
from apps.users.models import AddressField, User

BUILT_IN = "built-in"


class PeopleRequestQuerySet(models.QuerySet["PeopleRequest"]):
    """Requests to people."""

    def pending(self) -> Self:
        """Those that nothing has decided yet."""
        return self.filter(status=PeopleRequest.Status.PENDING)


class PeopleRequest(models.Model):
    """An approval or signatures that a step of an execution waits for. `quorum` is how many must say yes.

    `provider` takes the signatures: the site itself, or a service that knows the request as `provider_ref` and whose last
    message is `webhook_data`.
    """

    class Kind(models.TextChoices):
        APPROVAL = "approval"
        SIGNATURE = "signature"

    class Status(models.TextChoices):
        PENDING = "pending"
        APPROVED = APPROVED
        REJECTED = REJECTED
        EXPIRED = EXPIRED
        SIGNED = SIGNED
        DECLINED = DECLINED
        CANCELED = "canceled"

    class OnTimeout(models.TextChoices):
        FAIL = "fail"
        APPROVE = "approve"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    kind = models.CharField(max_length=9, choices=Kind)
    execution = models.ForeignKey(Execution, on_delete=models.PROTECT, related_name="people_requests")
    step = models.CharField(max_length=100)
    attempt = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    message = models.TextField(blank=True)
    quorum = models.PositiveIntegerField(default=1)
    on_timeout = models.CharField(max_length=7, choices=OnTimeout, default=OnTimeout.FAIL)
    may_delegate = models.BooleanField(default=True)
    status = models.CharField(max_length=8, choices=Status, default=Status.PENDING)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    remind_at = models.JSONField(default=list, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    provider = models.CharField(max_length=20, default=BUILT_IN)
    provider_ref = models.CharField(max_length=100, blank=True)
    handed_over_at = models.DateTimeField(null=True, blank=True, help_text="When the provider began to ask.")
    webhook_data = models.JSONField(null=True, blank=True)

    objects = PeopleRequestQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["execution", "step", "attempt"], name="one_request_a_step"),
            models.UniqueConstraint(fields=["provider", "provider_ref"], condition=~Q(provider_ref=""), name="one_request_a_ref"),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.status})"

    @property
    def is_open(self) -> bool:
        """Whether an answer still counts."""
        return self.status == self.Status.PENDING and timezone.now() < self.expires_at

    @property
    def auto_approve_on_timeout(self) -> bool:
        """Whether no answer is a yes."""
        return self.on_timeout == self.OnTimeout.APPROVE

    @property
    def yes(self) -> str:
        """What a person who agrees does, and what the request becomes when enough do."""
        return APPROVED if self.kind == self.Kind.APPROVAL else SIGNED

    @property
    def no(self) -> str:
        """The contrary."""
        return REJECTED if self.kind == self.Kind.APPROVAL else DECLINED


class _OfKind[T: PeopleRequest](models.Manager[T]):
    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def get_queryset(self) -> models.QuerySet[T]:
        return super().get_queryset().filter(kind=self.kind)


class Approval(PeopleRequest):
    """A request whose answers are approved or rejected."""

    objects: ClassVar[_OfKind["Approval"]] = _OfKind(PeopleRequest.Kind.APPROVAL)  # type: ignore[assignment]  # narrower than the one of its base

    class Meta:
        proxy = True


class SignatureRequest(PeopleRequest):
    """A request whose answers are signed or declined."""

    objects: ClassVar[_OfKind["SignatureRequest"]] = _OfKind(PeopleRequest.Kind.SIGNATURE)  # type: ignore[assignment]  # narrower than the one of its base

    class Meta:
        proxy = True

    @property
    def signers_status(self) -> dict[str, str]:
        """What each signer has done, by address: pending, signed, declined. All of them are there from the beginning."""
        return dict(self.people.deciding().values_list("email", "status"))

    def all_signed(self) -> bool:
        """Whether every signer has signed; where none is listed, whether the request is signed."""
        states = self.signers_status.values()
        return all(status == SIGNED for status in states) if states else self.status == self.Status.SIGNED


class PersonQuerySet(models.QuerySet["Person"]):
    """People in requests."""

    def of(self, user: User) -> Self:
        """What an account was asked, by its address or before that changed."""
        return self.filter(Q(user=user) | Q(email=user.email))

    def waiting(self) -> Self:
        """Those whose answer still counts."""
        return self.filter(
            status=Person.Status.PENDING, request__status=PeopleRequest.Status.PENDING, request__expires_at__gt=timezone.now()
        )

    def deciding(self) -> Self:
        """Without those who handed it to others."""
        return self.exclude(status=Person.Status.DELEGATED)


class Person(models.Model):
    """Somebody who is asked. The link in the mail has a token of which `token_digest` alone is kept: links.py."""

    class Status(models.TextChoices):
        PENDING = "pending"
        APPROVED = APPROVED
        REJECTED = REJECTED
        SIGNED = SIGNED
        DECLINED = DECLINED
        DELEGATED = "delegated"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    request = models.ForeignKey(PeopleRequest, on_delete=models.CASCADE, related_name="people")
    position = models.PositiveIntegerField(default=0)
    email = AddressField()
    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="asked")
    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    status = models.CharField(max_length=9, choices=Status, default=Status.PENDING)
    comment = models.TextField(blank=True)
    signed_name = models.CharField(max_length=150, blank=True, help_text="What a signer typed as the own name.")
    address = models.GenericIPAddressField(null=True, blank=True, help_text="Where the answer came from.")
    decided_at = models.DateTimeField(null=True, blank=True)
    delegated_by = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="delegates")
    signing_url = models.CharField(max_length=500, blank=True, help_text="Where the provider takes the signature.")

    objects = PersonQuerySet.as_manager()

    class Meta:
        # Who handed it on stands before the one who got it.
        ordering = ("position", F("decided_at").asc(nulls_last=True), "pk")
        verbose_name_plural = "people"
        constraints: ClassVar = [models.UniqueConstraint(fields=["request", "email"], name="one_person_an_address")]

    def __str__(self) -> str:
        return f"{self.email} ({self.status})"

    @property
    def can_decide(self) -> bool:
        """Whether an answer of this person still counts."""
        return self.status == self.Status.PENDING and self.request.is_open


class Attachment(models.Model):
    """A document that people decide on or sign, as it was when they were asked. `digest` is its SHA-256."""

    request = models.ForeignKey(PeopleRequest, on_delete=models.CASCADE, related_name="attachments")
    name = models.CharField(max_length=200)
    media_type = models.CharField(max_length=100)
    content = models.BinaryField()
    digest = models.CharField(max_length=64)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.name


class ProviderEvent(models.Model):
    """A message of a signature provider that had its effect: a repetition has none."""

    provider = models.CharField(max_length=20)
    event_id = models.CharField(max_length=100)
    request = models.ForeignKey(PeopleRequest, null=True, blank=True, on_delete=models.CASCADE, related_name="provider_events")
    received_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-pk",)
        constraints: ClassVar = [models.UniqueConstraint(fields=["provider", "event_id"], name="one_effect_an_event")]

    def __str__(self) -> str:
        return f"{self.provider}: {self.event_id}"
