"""`manage.py createtoken EMAIL`."""

from datetime import timedelta

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.users.models import User
from apps.users.services import create_token


class Command(BaseCommand):
    """Makes an API token."""

    help = "Make an API token for an account and print it. It is shown this once and cannot be read again."

    def add_arguments(self, parser: CommandParser) -> None:
        """The account, what the token is for, how long it works."""
        parser.add_argument("email", help="the account that the token acts as")
        parser.add_argument("--name", default="command line", help="what uses it, for the list in the admin")
        parser.add_argument("--days", type=int, help="days until it expires; without this it does not")

    def handle(self, *, email: str, name: str, days: int | None, **options: object) -> None:
        """Print the token alone, so that a script can take it."""
        user = User.objects.filter(email=email, is_active=True).first()
        if user is None:
            raise CommandError(
                f"No active account has the address {email}: create one with `manage.py createsuperuser` or in the admin."
            )
        if days is not None and days < 1:
            raise CommandError(f"--days {days} would expire at once: write 1 or more.")
        self.stdout.write(create_token(user=user, name=name, lifetime=timedelta(days=days) if days else None))
