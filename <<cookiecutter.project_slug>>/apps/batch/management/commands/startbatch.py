"""`manage.py startbatch`: start a batch by hand."""

import json
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.batch.services import start_batch
from apps.batch.shared import RowQuery
from apps.executions.models import Execution
from apps.temporal import client
from apps.temporal.exceptions import TemporalError
from apps.temporal.relay import deliver_due


class Command(BaseCommand):
    """Start a batch."""

    help = "Start a batch over rows. The same command again is the same batch."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare what and how."""
        parser.add_argument("batch_id", help="a name of your choice, once for each batch")
        rows = parser.add_mutually_exclusive_group(required=True)
        rows.add_argument("--user-ids", type=int, nargs="+", metavar="ID", help="accounts by primary key")
        rows.add_argument("--all-users", action="store_true", help="every account")
        rows.add_argument("--model", metavar="APP.MODEL", help="rows of a model, with --filter")
        parser.add_argument("--filter", default="{}", metavar="JSON", help="""Django look-ups, such as '{"is_active": true}'""")
        parser.add_argument("--action", default="check_profile", help="what to do (default: %(default)s)")
        parser.add_argument("--wait", type=float, metavar="SECONDS", help="wait for the end and print the result")

    def handle(self, *, batch_id: str, action: str, wait: float | None, **options: Any) -> None:
        """Start it, and wait when asked to."""
        try:
            user_ids, rows = options["user_ids"] or (), _rows(options)
            batch = start_batch(batch_id=batch_id, action=action, user_ids=user_ids, rows=rows, trigger=Execution.Trigger.COMMAND)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(self.style.SUCCESS(f"Accepted {batch.workflow_id}; a running worker or the next one starts it."))
        if wait is not None:
            deliver_due()
            try:
                self.stdout.write(json.dumps(client.result(batch.workflow_id, timeout=wait), indent=2))
            except TemporalError as error:
                raise CommandError(str(error)) from error


def _rows(options: dict[str, Any]) -> RowQuery | None:
    if options["user_ids"]:
        return None
    try:
        look_ups = json.loads(options["filter"])
    except ValueError as error:
        raise CommandError(f"--filter is not JSON ({error}): write for example '{{\"is_active\": true}}'.") from error
    if not isinstance(look_ups, dict):
        raise CommandError("""--filter is not an object: write for example '{"is_active": true}'.""")
    return RowQuery(model="users.User" if options["all_users"] else options["model"], filter=look_ups)
