"""The account of a person, who signs in with an e-mail address, and the tokens of the programs that act for it."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from allauth.account.models import EmailAddress
from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.db.models import Q


class AddressField(models.EmailField):  # type: ignore[type-arg]  # generic for mypy only
    """An e-mail address in lower case, so that Ada@example.com and ada@example.com are one account however they come in."""

    def get_prep_value(self, value: Any) -> Any:
        """What is stored, and what is looked for."""
        value = super().get_prep_value(value)
        return value.strip().lower() if isinstance(value, str) else value

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        """What a form or full_clean() keeps: the uniqueness check then sees what will be stored."""
        return self.get_prep_value(super().clean(value, model_instance))

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Leave on the instance what was stored."""
        value = self.get_prep_value(super().pre_save(model_instance, add))
        setattr(model_instance, self.attname, value)
        return value


class UserManager(BaseUserManager["User"]):
    """Creates accounts by e-mail address, which is what people sign in with."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create an ordinary account; without a password it can sign in after a reset. Raises ValueError without an address."""
        if not email:
            raise ValueError("An account needs an e-mail address.")
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create an account that may do everything. Its address counts as verified: whoever can do this vouches for it."""
        user = self.create_user(email, password, is_staff=True, is_superuser=True, **fields)
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find an account by its address, whatever its case."""
        return self.get(email=username or "")


class User(AbstractUser):
    """A person. `profile_checked_at` is when the account's data was last found complete (apps/users/actions.py)."""

    username = None  # type: ignore[assignment]  # Django's documented way to drop the field
    first_name = None  # type: ignore[assignment]  # one name field fits every culture
    last_name = None  # type: ignore[assignment]  # as first_name
    email = AddressField("e-mail address", unique=True)
    name = models.CharField(max_length=150, blank=True)
    profile_checked_at = models.DateTimeField(null=True, blank=True, editable=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]  # as in Django's own AbstractUser

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return str(self.email)

    def get_full_name(self) -> str:
        """The name, or the address where none is known."""
        return self.name or str(self)

    def get_short_name(self) -> str:
        """As get_full_name: a short form cannot be guessed for every culture."""
        return self.get_full_name()


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """What the bearer authentication asks for."""

    def usable(self, now: datetime) -> "ApiTokenQuerySet":
        """Tokens that are not expired, of accounts that are active."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now), user__is_active=True)

    def mark_used(self, now: datetime, *, every: timedelta) -> None:
        """Note the use, but write at most once in `every`: a busy client must not cost a write a request."""
        self.filter(Q(last_used_at=None) | Q(last_used_at__lt=now - every)).update(last_used_at=now)


class ApiToken(models.Model):
    """A program's key to the API, acting as its account. Deleting it revokes it.

    Only the token's SHA-256 is kept. That is enough because a token is 256 random bits: nobody can guess through it, as one
    could through a password.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100, help_text="What uses it.")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Empty: never.")

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        verbose_name = "API token"

    def __str__(self) -> str:
        return self.name
