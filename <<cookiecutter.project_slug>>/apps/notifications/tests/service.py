"""A mail service for tests."""

from typing import Any, NoReturn

from anymail.exceptions import AnymailRecipientsRefused
from django.core.mail.backends.base import BaseEmailBackend


class Refusing(BaseEmailBackend):
    """Takes no recipient."""

    def send_messages(self, email_messages: Any) -> NoReturn:
        """Raises AnymailRecipientsRefused."""
        raise AnymailRecipientsRefused
