"""`manage.py checktemporal`: can this installation work with its Temporal server?"""

import json
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.checks import run_checks
from django.core.management.base import BaseCommand, CommandError, CommandParser
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest

from apps.temporal import client, registry
from apps.temporal.conf import connect_config
from apps.temporal.exceptions import TemporalError
from apps.temporal.queues import polled_by_default

type Check = Callable[[], str]


class Command(BaseCommand):
    """Check settings, connection, namespace and worker configuration."""

    help = "Report settings, connection, namespace and worker configuration. The exit code is 1 when one of them fails."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare --json."""
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *, json: bool, **options: Any) -> None:
        """Run the checks in order. Raises CommandError when one fails."""
        report = [_checked(name, check) for name, check in CHECKS.items()]
        self.stdout.write(_as_json(report) if json else "\n".join(self._line(**entry) for entry in report))
        if failed := [entry["name"] for entry in report if not entry["ok"]]:
            raise CommandError(f"Failed: {', '.join(failed)}.")

    def _line(self, *, name: str, ok: bool, detail: str) -> str:
        mark = self.style.SUCCESS("ok  ") if ok else self.style.ERROR("FAIL")
        return f"{mark} {name:<11} {detail}"


def check_settings() -> str:
    """The values in force. Raises CommandError for those that the system checks refuse."""
    if problems := run_checks(tags=["temporal"]):
        raise CommandError(" ".join(f"{problem.msg} {problem.hint}" for problem in problems))
    config = connect_config()
    secured = "TLS" if config.get("tls") else "no TLS"
    key = ", API key" if config.get("api_key") else ""
    return f"{config['target_host']}, namespace {config['namespace']}, {secured}{key}"


def check_connection() -> str:
    """The server answers."""
    if problem := client.health(timeout=client.TIMEOUT):
        raise CommandError(problem)
    return "the server answers"


def check_namespace() -> str:
    """The namespace exists."""
    namespace = connect_config()["namespace"]
    client.run(lambda c: c.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=namespace)))
    return f"{namespace} exists"


def check_worker() -> str:
    """There is something to run, and whether each queue is polled."""
    kinds = f"{len(registry.workflows())} workflows, {len(registry.activities())} activities"
    if not registry.workflows():
        raise CommandError("No workflow is registered: define one in a workflows.py of an installed app.")
    unpolled = [queue for queue in polled_by_default() if not client.pollers(queue)]
    polled = f"polled by nobody yet: {', '.join(unpolled)}: start `manage.py runworker`" if unpolled else "each queue is polled"
    return f"{kinds}, {settings.TEMPORAL_ACTIVITY_SLOTS} slots, {polled}"


CHECKS: dict[str, Check] = {
    "settings": check_settings,
    "connection": check_connection,
    "namespace": check_namespace,
    "worker": check_worker,
}


def _checked(name: str, check: Check) -> dict[str, Any]:
    try:
        return {"name": name, "ok": True, "detail": check()}
    except (CommandError, TemporalError) as error:
        return {"name": name, "ok": False, "detail": str(error)}


def _as_json(report: list[dict[str, Any]]) -> str:
    return json.dumps({"ok": all(entry["ok"] for entry in report), "checks": report}, indent=2)
