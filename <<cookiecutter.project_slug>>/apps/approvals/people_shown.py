"""What an execution's page says of those who were asked. Where it is called: apps/executions/live.py."""

from django.template.loader import render_to_string

from apps.approvals.models import PeopleRequest
from apps.executions.models import Execution


def section(execution: Execution) -> str:
    """Who was asked and what each has answered, the newest request first; nothing where nobody was."""
    asked = PeopleRequest.objects.filter(execution=execution).prefetch_related("people__delegated_by")
    return render_to_string("approvals/_asked.html", {"asked": asked}) if asked else ""
