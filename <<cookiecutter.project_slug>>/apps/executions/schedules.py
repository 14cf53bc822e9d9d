"""What the executions have done for them."""

from datetime import timedelta

from apps.executions.shared import RECONCILE
from apps.schedules.services import WorkflowSchedule

SCHEDULES = (
    WorkflowSchedule(name="reconcile-executions", workflow=RECONCILE, every=timedelta(minutes=1), catch_up=timedelta(minutes=1)),
)
