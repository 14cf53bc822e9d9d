"""What workers say becomes rows: tasks in their order, the end, and who changed what."""

from contextlib import suppress
from uuid import uuid4

import pytest
from temporalio.client import WorkflowFailureError

from apps.development.testing import Temporal
from apps.executions.models import Execution
from apps.onboarding.shared import OnboardingWorkflowInput
from apps.users.models import User

pytestmark = pytest.mark.django_db


def onboard(temporal: Temporal, user_id: int) -> Execution:
    wanted = OnboardingWorkflowInput(user_id=user_id, email="ada@example.com", name="Ada", follow_up_delay=0)
    # Of its own: SQLite gives accounts of other tests the same number, and theirs may be under way.
    workflow_id = f"onboarding-{uuid4()}"
    with suppress(WorkflowFailureError):
        temporal.execute("user_onboarding", wanted, workflow_id=workflow_id)
    return Execution.objects.get(temporal_workflow_id=workflow_id)


def test_a_workflow_has_its_row_its_tasks_and_its_end_without_a_line_of_its_own(temporal: Temporal) -> None:
    user = User.objects.create_user("ada@example.com")

    execution = onboard(temporal, user.pk)

    assert (execution.status, execution.result, execution.percent) == (
        "completed",
        {"user_id": user.pk, "status": "completed"},
        100,
    )
    assert [(task.name, task.status) for task in execution.tasks.all()] == [
        ("process_user_activity", "success"),
        ("send_email_activity", "success"),
        ("send_email_activity", "success"),
    ]
    assert (execution.tasks_done, execution.tasks_total, execution.activities) == (3, 3, 3)
    assert [(event.action, event.by, event.before, event.after) for event in execution.events.all()] == [
        ("started", "workflow", "pending", "running"),
        ("completed", "workflow", "running", "completed"),
    ]


def test_a_failure_says_which_and_leaves_the_reason(temporal: Temporal) -> None:
    execution = onboard(temporal, 10**9)

    assert execution.status == "failed"
    assert execution.error_message == f"UnknownUser: no account {10**9}"
    assert [(task.status, task.error) for task in execution.tasks.all()] == [("failed", f"UnknownUser: no account {10**9}")]
