"""What workflows that wait for people have done."""

from temporalio import activity

from apps.approvals import asking
from apps.approvals.shared import Answer


@activity.defn
def remind_people(asked_id: str) -> None:
    """Remind those who have not answered."""
    asking.remind(asked_id)


@activity.defn
def expire_request(asked_id: str) -> Answer:
    """Close a request whose time is over, or give the answer that came at the last moment."""
    return asking.expire(asked_id)
