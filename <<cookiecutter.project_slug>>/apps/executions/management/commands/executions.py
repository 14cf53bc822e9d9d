"""`manage.py executions`: look at executions and act on them, as the operator of this installation."""

import json
from argparse import ArgumentParser
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model, Q

from apps.executions import services
from apps.executions.models import Execution
from apps.executions.states import IllegalTransition
from apps.temporal.exceptions import TemporalError

SHOWN = (
    "id", "workflow", "temporal_workflow_id", "temporal_run_id", "status", "state", "attempt", "current_step", "tasks_done",
    "tasks_total", "percent", "created_at", "started_at", "completed_at", "error_message",
)  # fmt: skip
DETAIL = (*SHOWN, "trigger", "user_id", "input", "result")
TASK = ("name", "attempt", "status", "carried", "scheduled_at", "started_at", "completed_at", "duration_ms", "error")
EVENT = ("at", "action", "by", "user_id", "before", "after", "reason", "attempt")


class Command(BaseCommand):
    """Executions, from the command line."""

    help = "List executions, show one, cancel it or try it again. ID is the execution's or its workflow id."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare what to do and with which."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|show|cancel|reset")
        listed = _verb(verbs, "list", "the newest executions")
        listed.add_argument("--status", choices=Execution.Status.values, action="append", help="may be given again")
        listed.add_argument("--workflow", help="the name of a workflow")
        listed.add_argument("--limit", type=int, default=20, help="how many at most (default: %(default)s)")
        _verb(verbs, "show", "one execution, its tasks and its audit trail").add_argument("id", metavar="ID")
        for name, meaning in (("cancel", "let one stop cleanly"), ("reset", "try one again")):
            verb = _verb(verbs, name, meaning)
            verb.add_argument("id", metavar="ID")
            verb.add_argument("--reason", default="", help="for the audit trail")
        verb.add_argument("--to", choices=sorted(services.RESET_POINTS), default=services.FAILED_STEP)
        verb.add_argument("--repeat-effects", action="store_true", help="also what has a key, such as mails")

    def handle(self, *, verb: str, **options: Any) -> None:
        """Do it and print what came of it. Raises CommandError."""
        try:
            found = getattr(self, f"_{verb}")(options)
        except (IllegalTransition, TemporalError) as error:
            raise CommandError(str(error)) from error
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(json.dumps(found, cls=DjangoJSONEncoder, indent=2) if options["json"] else _text(found))

    def _list(self, options: dict[str, Any]) -> list[dict[str, Any]]:
        wanted = {"status__in": options["status"], "workflow": options["workflow"]}
        rows = Execution.objects.filter(**{name: value for name, value in wanted.items() if value})
        return [_fields(execution, SHOWN) for execution in rows[: options["limit"]]]

    def _show(self, options: dict[str, Any]) -> dict[str, Any]:
        execution = _find(options["id"])
        return {
            **_fields(execution, DETAIL),
            "tasks": [_fields(task, TASK) for task in execution.tasks.all()],
            "events": [_fields(event, EVENT) for event in execution.events.all()],
        }

    def _cancel(self, options: dict[str, Any]) -> dict[str, Any]:
        return _fields(services.cancel_execution(_find(options["id"]), user=None, reason=options["reason"]), SHOWN)

    def _reset(self, options: dict[str, Any]) -> dict[str, Any]:
        wanted = {name: options[name] for name in ("to", "reason", "repeat_effects")}
        return _fields(services.reset_execution(_find(options["id"]), user=None, **wanted), SHOWN)


def _verb(verbs: Any, name: str, meaning: str) -> ArgumentParser:
    parser: ArgumentParser = verbs.add_parser(name, help=meaning)
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser


def _find(given: str) -> Execution:
    key = Q(temporal_workflow_id=given)
    with suppress(ValueError):
        key |= Q(pk=UUID(given))
    if execution := Execution.objects.filter(key).first():
        return execution
    raise CommandError(f"There is no execution {given!r}: `manage.py executions list` shows them.")


def _fields(row: Model, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _text(found: dict[str, Any] | list[dict[str, Any]]) -> str:
    if isinstance(found, list):
        return "\n".join(map(_line, found)) or "There are no such executions."
    facts = [f"{name}: {value}" for name, value in found.items() if name not in {"tasks", "events"}]
    tasks = [f"  {task['status']:<9} {task['name']} {task['error']}".rstrip() for task in found.get("tasks", ())]
    events = [
        f"  {event['at']:%Y-%m-%d %H:%M:%S} {event['action']} {event['reason']}".rstrip() for event in found.get("events", ())
    ]
    return "\n".join([*facts, *(["tasks:", *tasks] if tasks else []), *(["events:", *events] if events else [])])


def _line(shown: dict[str, Any]) -> str:
    done, moment = f"{shown['tasks_done']}/{shown['tasks_total']}", f"{shown['created_at']:%Y-%m-%d %H:%M:%S}"
    return f"{shown['id']}  {moment}  {shown['state']:<10}  {done:>9}  {shown['temporal_workflow_id']}"
