"""`manage.py startonboarding`: onboard accounts by hand."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import CharField, Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Cast, Concat

from apps.notifications.models import Mail
from apps.onboarding.services import start_onboardings
from apps.onboarding.shared import WELCOME, onboarding_id
from apps.temporal.models import OutboxMessage
from apps.users.models import User


class Command(BaseCommand):
    """Start onboardings."""

    help = "Onboard accounts that exist already, such as imported ones. Nobody is onboarded twice."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare whom and how."""
        whom = parser.add_mutually_exclusive_group(required=True)
        whom.add_argument("email", nargs="*", default=[], help="accounts by e-mail address")
        whom.add_argument("--missing", action="store_true", help="every account that was never onboarded")
        parser.add_argument("--follow-up-delay", type=float, metavar="SECONDS", help="default: ONBOARDING_FOLLOW_UP_DELAY")

    def handle(self, *, email: list[str], missing: bool, follow_up_delay: float | None, **options: Any) -> None:
        """Start them and say how many."""
        users = _never_onboarded() if missing else User.objects.filter(email__in=[address.lower() for address in email])
        if email and (unknown := {address.lower() for address in email} - {user.email for user in users}):
            raise CommandError(f"No account has the address {', '.join(sorted(unknown))}.")
        started = start_onboardings(users=users.iterator(), follow_up_delay=follow_up_delay)
        self.stdout.write(self.style.SUCCESS(f"Accepted {started} onboardings; a running worker or the next one starts them."))


def _never_onboarded() -> QuerySet[User]:
    workflow_id = Concat(Value(onboarding_id(0).removesuffix("0")), Cast(OuterRef("pk"), CharField()))
    # The outbox forgets what was sent long ago, the ledger of mails does not.
    waiting = OutboxMessage.objects.filter(aggregate_id=workflow_id)
    welcomed = Mail.objects.filter(key=Concat(workflow_id, Value(WELCOME)))
    return User.objects.filter(~Exists(waiting), ~Exists(welcomed))
