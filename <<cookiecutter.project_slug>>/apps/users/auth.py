"""Who is asking: the ways to sign in to the API."""

from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja.errors import AuthenticationError
from ninja.security import HttpBearer
from ninja.security import SessionAuth as NinjaSessionAuth

from apps.users.models import ApiToken, User
from apps.users.services import digest

USE_NOTED_EVERY = timedelta(minutes=1)


def account(request: HttpRequest) -> User:
    """The account that a request acts as, where the way to the view has seen to it that there is one."""
    assert isinstance(request.user, User)
    return request.user


class BearerAuth(HttpBearer):
    """`Authorization: Bearer TOKEN`, for programs. The request then acts as the token's account."""

    def authenticate(self, request: HttpRequest, token: str) -> User:
        """Give the token's account. Raises AuthenticationError: a token that does not work must not fall back to a session."""
        now = timezone.now()
        # Found by its hash: how long that takes says nothing about the token.
        tokens = ApiToken.objects.filter(digest=digest(token))
        found = tokens.usable(now).select_related("user").first()
        if found is None:
            raise AuthenticationError(message="The token is unknown, expired or revoked: make one with `manage.py createtoken`.")
        tokens.mark_used(now, every=USE_NOTED_EVERY)
        request.user = found.user
        return found.user


class SessionAuth(NinjaSessionAuth):
    """The browser's session, with Django's CSRF check. Without a session it says 401, not that a CSRF token is missing."""

    def __call__(self, request: HttpRequest) -> Any:
        """The account that is signed in, or None."""
        return super().__call__(request) if request.user.is_authenticated else None
