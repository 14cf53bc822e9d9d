"""What every page says of the inbox."""

from typing import Any

from django import template

from apps.notifications.models import Notification

register = template.Library()


@register.simple_tag
def unread_notifications(user: Any) -> int:
    """How many messages an account has not read."""
    return Notification.objects.inbox(user).unread().count()
