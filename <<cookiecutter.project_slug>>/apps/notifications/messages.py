"""What a notification says. Its words are templates: notifications/<workflow>/<event>.txt, else notifications/<event>.txt.

The first line is the subject, the rest the body. A project's own in templates/ come before these.
"""

import json
from typing import Any

from django.conf import settings
from django.template import Context
from django.template.loader import select_template
from django.urls import reverse

from apps.executions import catalog
from apps.notifications.models import Notification


def words(notification: Notification) -> tuple[str, str]:
    """Subject and body. Raises what a template raises."""
    names = [f"notifications/{folder}{notification.event}.txt" for folder in (f"{notification.execution.workflow}/", "")]
    # Plain text: nothing is escaped.
    context = Context({**_facts(notification), "site_name": settings.SITE_NAME}, autoescape=False)
    subject, _, body = select_template(names).template.render(context).strip().partition("\n")
    return " ".join(subject.split()), f"{body.strip()}\n"


def document(notification: Notification) -> bytes:
    """What a webhook is sent."""
    content = {
        "type": f"execution.{notification.event}",
        "timestamp": notification.created_at.isoformat(),
        "data": _facts(notification),
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def address_of(notification: Notification) -> str:
    """Where its execution is shown."""
    return settings.SITE_URL + reverse("executions:detail", args=[notification.execution_id])


def _facts(notification: Notification) -> dict[str, Any]:
    execution = notification.execution
    return {
        "execution": str(execution.pk),
        "workflow": execution.workflow,
        "title": catalog.title(execution.workflow),
        "workflow_id": execution.temporal_workflow_id,
        "attempt": notification.attempt,
        "event": notification.event,
        "reason": notification.reason,
        "url": address_of(notification),
    }
