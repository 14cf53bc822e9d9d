"""What workers say is stored in few transactions, and what one execution spoils is lost to that one only."""

from collections.abc import Iterator
from concurrent.futures import Executor, Future
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.executions import projection
from apps.executions.buffer import Buffer
from apps.executions.events import status_changed
from apps.executions.models import Execution, TaskExecution
from apps.executions.shared import End, Report, TaskRecord

pytestmark = pytest.mark.django_db


class _Never(Executor):
    def submit(self, *_: Any, **__: Any) -> Future[Any]:
        return Future()


@pytest.fixture
def buffer() -> Buffer:
    """One that stores only when it is told to."""
    buffer = Buffer()
    buffer.executor = _Never()
    return buffer


@pytest.fixture
def spoilt() -> Iterator[str]:
    """The id of an execution that cannot be stored."""

    def refuse(execution: Execution, **_: Any) -> None:
        if execution.temporal_workflow_id == "spoilt":
            raise ValueError("not this one")

    status_changed.connect(refuse)
    yield "spoilt"
    status_changed.disconnect(refuse)


def test_ends_that_come_together_share_a_transaction(
    buffer: Buffer, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """Each has an update of its own row, and nothing else of its own."""
    alone, many = Buffer(), range(10)
    alone.executor = _Never()
    alone.end(_end("first"))
    with django_assert_max_num_queries(20) as captured:
        alone.flush()
    stored = []
    for number in many:
        buffer.put(_record(f"many-{number}"))
        stored.append(buffer.end(_end(f"many-{number}")))

    with django_assert_max_num_queries(len(captured) + 1 + len(many) - 1):
        buffer.flush()

    assert [future.result(0) for future in stored] == [None] * 10
    rows = Execution.objects.filter(temporal_workflow_id__startswith="many", status="completed", tasks_done=1)
    assert rows.count() == 10


def test_one_execution_that_cannot_be_stored_costs_no_other(buffer: Buffer, spoilt: str) -> None:
    """Its workflow is told, to report again; a record of it is dropped, for it would never be taken."""
    buffer.put(_record(spoilt))
    bad, good = buffer.end(_end(spoilt)), buffer.end(_end("good"))
    buffer.put(_record("also good"))

    buffer.flush()

    with pytest.raises(ValueError, match="not this one"):
        bad.result(0)
    assert good.result(0) is None
    assert list(TaskExecution.objects.values_list("execution__temporal_workflow_id", flat=True)) == ["also good"]
    assert not buffer.records


def test_while_the_database_is_away_records_wait(buffer: Buffer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A newer record of the same activity is not overwritten by the one that waited."""

    def away(*_: Any) -> None:
        buffer.put(_record("one", status="success"))
        raise OperationalError("gone")

    buffer.put(_record("one", status="running"))
    end = buffer.end(_end("one"))
    with monkeypatch.context() as patch:
        patch.setattr(projection, "record", away)
        buffer.flush()

    with pytest.raises(OperationalError):
        end.result(0)
    buffer.flush()
    assert TaskExecution.objects.get().status == "success"


def _end(workflow_id: str) -> End:
    return End(workflow_id=workflow_id, workflow="any", run_id="run", report=Report(status="completed", activities=1))


def _record(workflow_id: str, status: str = "success") -> TaskRecord:
    now = timezone.now()
    return TaskRecord(
        workflow_id=workflow_id, workflow="any", run_id="run", activity_id="1", name="step", number=1, status=status,
        scheduled_at=now, started_at=now, completed_at=now if status == "success" else None,
    )  # fmt: skip
