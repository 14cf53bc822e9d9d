"""What Django expects of a task backend: what is taken, refused, and known without a server. Tasks run in test_tasks.py."""

import pickle
from datetime import datetime
from typing import Any

import pytest
from django.db import transaction
from django.tasks import TaskResultStatus, default_task_backend, task_backends
from django.tasks.exceptions import InvalidTask, InvalidTaskBackend, TaskResultDoesNotExist, TaskResultMismatch
from django.utils import timezone
from pytest_django import Settings
from temporalio.testing import ActivityEnvironment

from apps.development.testing import NOWHERE
from apps.tasks import runs
from apps.tasks.activities import run_django_task
from apps.tasks.backends import TemporalBackend
from apps.tasks.tests import work
from apps.tasks.tests.work import set_options
from apps.temporal import relay
from apps.temporal.exceptions import Refused, TemporalUnavailable
from apps.temporal.models import OutboxMessage

pytestmark = pytest.mark.django_db


def test_it_is_the_projects_backend() -> None:
    backend = task_backends["default"]

    assert default_task_backend == backend
    assert isinstance(backend, TemporalBackend)
    assert backend.supports_async_task
    assert backend.supports_defer
    assert backend.supports_get_result
    assert backend.supports_priority


def test_a_worker_that_does_not_know_a_task_leaves_it_to_others() -> None:
    work.add.enqueue(1, 2)
    call = runs.call_of(OutboxMessage.objects.get().payload | {"task": "apps.tasks.tests.work.not_there"})

    with pytest.raises(ImportError, match="not_there"):
        ActivityEnvironment().run(run_django_task, call)


def test_a_task_goes_to_the_queue_of_its_name(settings: Settings) -> None:
    settings.TEMPORAL_TASK_QUEUE, settings.TEMPORAL_TASK_QUEUES = "ours", {"reports": {}}
    settings.TASKS = dict(settings.TASKS)

    work.add.enqueue(1, 2)
    work.add.using(queue_name="reports").enqueue(1, 2)

    assert [message.payload["task_queue"] for message in OutboxMessage.objects.order_by("pk")] == ["ours", "reports"]
    with pytest.raises(InvalidTask, match="Queue 'elsewhere' is not valid"):
        work.add.using(queue_name="elsewhere")


def test_a_task_is_looked_at_again_when_it_is_enqueued(settings: Settings) -> None:
    settings.TEMPORAL_TASK_QUEUES, settings.TASKS = {"reports": {}}, dict(settings.TASKS)
    task = work.add.using(queue_name="reports")
    settings.TEMPORAL_TASK_QUEUES, settings.TASKS = {}, dict(settings.TASKS)

    with pytest.raises(InvalidTask, match="Queue 'reports' is not valid"):
        task.enqueue(1, 2)

    assert not OutboxMessage.objects.exists()


@pytest.mark.parametrize(
    ("using", "said"),
    [
        ({"priority": 101}, "priority must be a whole number"),
        ({"priority": 0.5}, "priority must be a whole number"),
        ({"run_after": datetime(2030, 1, 1)}, "run_after must be an aware datetime"),  # noqa: DTZ001  what is refused
    ],
)
def test_what_cannot_be_is_refused(using: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidTask, match=said):
        work.add.using(**using)


@pytest.mark.parametrize("argument", [timezone.now(), {1, 2}, object(), b"\xff"], ids=["datetime", "set", "object", "bytes"])
def test_arguments_that_are_not_json_are_refused_at_once(argument: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="Unsupported"):
        work.echo.enqueue(argument)
    with pytest.raises((TypeError, ValueError), match="Unsupported"):
        work.echo.enqueue(word=argument)

    assert not OutboxMessage.objects.exists()


def test_arguments_that_are_too_large_are_refused_at_once() -> None:
    with pytest.raises(Refused, match="Temporal takes 2"):
        work.echo.enqueue("x" * 3 * 2**20)


def test_a_transaction_that_is_rolled_back_enqueues_nothing() -> None:
    with transaction.atomic():
        result = work.add.enqueue(1, 2)
        transaction.set_rollback(True)

    assert not OutboxMessage.objects.exists()
    with pytest.raises(TaskResultDoesNotExist):
        work.add.get_result(result.id)


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_needed() -> None:
    result = work.add.enqueue(1, 2)

    assert work.add.get_result(result.id) == result


def test_without_temporal_tasks_are_taken_and_wait() -> None:
    result = work.add.enqueue(1, 2)

    with pytest.raises(TemporalUnavailable):
        relay.deliver_due()

    result.refresh()
    assert result.status == TaskResultStatus.READY
    OutboxMessage.objects.update(status="sent")
    with pytest.raises(TemporalUnavailable, match=NOWHERE):
        result.refresh()


def test_a_task_that_temporal_refused_has_failed_and_says_why() -> None:
    result = work.add.enqueue(1, 2)
    OutboxMessage.objects.update(status="dead", last_error="Temporal refused it.")

    result.refresh()

    assert result.status == TaskResultStatus.FAILED
    assert result.errors[0].exception_class is Refused
    assert "Temporal refused it." in result.errors[0].traceback


def test_a_result_of_another_task_is_refused() -> None:
    result = work.add.enqueue(1, 2)

    with pytest.raises(TaskResultMismatch):
        work.echo.get_result(result.id)


def test_a_result_can_be_pickled() -> None:
    result = work.add.using(priority=10, run_after=timezone.now()).enqueue(1, 2)

    assert pickle.loads(pickle.dumps(result)) == result  # noqa: S301  our own


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"max_attempts": 0}, "max_attempts: Input should be greater than 0"),
        ({"timeout": "soon"}, "timeout: "),
        ({"heartbeat": -1}, "heartbeat: Input should be greater than 0"),
        ({"retries": 3}, "retries: Extra inputs are not permitted"),
    ],
)
def test_an_option_that_cannot_be_used_is_named(settings: Settings, chosen: dict[str, Any], said: str) -> None:
    set_options(settings, **chosen)

    with pytest.raises(InvalidTaskBackend, match=r"TASKS\['default'\]\['OPTIONS'\] cannot be used: " + said):
        task_backends["default"]
