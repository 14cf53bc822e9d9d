"""A hundred people act on one execution at the same moment: what is told of it afterwards is one story."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from django.db import connections

from apps.executions import services
from apps.executions.models import Execution, ExecutionEvent
from apps.executions.states import IllegalTransition
from apps.temporal.models import OutboxMessage
from apps.users.models import User

PEOPLE, AT_ONCE = 100, 10


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("status", ["failed", "running"])
def test_cancels_and_resets_of_one_execution_leave_one_story(status: str) -> None:
    (ada,) = User.objects.bulk_create([User(email="ada@example.com")])
    execution = Execution.objects.create(workflow="w", temporal_workflow_id="w-1", temporal_run_id="r-1", status=status, user=ada)

    def act(number: int) -> str:
        what: Callable[..., Execution] = services.reset_execution if number % 2 else services.cancel_execution
        try:
            what(Execution.objects.get(pk=execution.pk), user=ada, reason=str(number))
        except IllegalTransition as refusal:
            return str(refusal)
        finally:
            connections.close_all()
        return what.__name__

    with ThreadPoolExecutor(AT_ONCE) as people:
        done = Counter(people.map(act, range(PEOPLE)))

    execution.refresh_from_db()
    story = list(ExecutionEvent.objects.filter(execution=execution))
    assert len({event.reason for event in story}) == len(story) == done["reset_execution"] + done["cancel_execution"]
    assert all(earlier.after == later.before for earlier, later in pairwise(story))
    assert (story[0].before, story[-1].after) == (status, execution.status)
    assert execution.attempt == 1 + done["reset_execution"] == 1 + OutboxMessage.objects.filter(kind="reset").count()
    assert done["cancel_execution"] == OutboxMessage.objects.filter(kind="cancel").count() > 0
    assert done["reset_execution"] == (1 if status == "failed" else 0)
    assert sum(done.values()) == PEOPLE
