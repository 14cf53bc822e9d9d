"""Who works where: each tenant on its queue, and nobody's work in another's way."""

import asyncio
from collections.abc import Coroutine
from typing import Any
from uuid import uuid4

import pytest
from pytest_django import Settings
from temporalio import activity
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.common import Priority
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import FixedSizeSlotSupplier, ResourceBasedSlotSupplier, Worker

from apps.development.testing import PATIENCE, EventLoopThread
from apps.temporal import client, queues, registry
from apps.temporal.outbox import enqueue_start
from apps.temporal.relay import deliver_due
from apps.temporal.tests.probe import ProbeWorkflow
from apps.temporal.worker import build_worker

LARGE, PER_EXECUTION, SMALL = 10_000, 1_000, 10
# What a server answers that has no time for a question, or gave up on one that took too long.
BUSY = {RPCStatusCode.RESOURCE_EXHAUSTED, RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED}


@pytest.fixture
def tenants(settings: Settings) -> None:
    """`acme` has a queue for itself."""
    settings.TEMPORAL_TASK_QUEUE = "shop-tasks"
    settings.TEMPORAL_DEDICATED_TENANTS = ["acme"]


@pytest.mark.usefixtures("tenants")
def test_a_dedicated_tenant_has_a_queue_and_the_others_share_one_fairly() -> None:
    assert queues.route("acme") == queues.Route("shop-tenant-acme")
    assert queues.route("globex") == queues.Route("shop-tasks", "globex")
    assert queues.route() == queues.Route("shop-tasks")
    assert queues.route(task_queue="reports") == queues.Route("reports")
    assert queues.route("globex", "reports") == queues.Route("reports", "globex")


@pytest.mark.django_db
@pytest.mark.usefixtures("tenants")
def test_a_start_for_a_tenant_takes_its_route() -> None:
    message = enqueue_start("batch_processing", {"batch_id": "any"}, workflow_id="any", tenant="acme")

    assert message.payload["task_queue"] == "shop-tenant-acme"


@pytest.mark.usefixtures("tenants")
def test_a_worker_that_is_told_no_queue_polls_all_that_the_settings_name(settings: Settings) -> None:
    settings.TEMPORAL_TASK_QUEUES = {"reports": {"slots": 2}, "shop-tasks": {"slots": 5}}

    assert queues.polled_by_default() == ["shop-tasks", "reports", "shop-tenant-acme"]


def test_a_queue_has_the_limits_of_its_entry_and_else_those_of_all(settings: Settings) -> None:
    settings.TEMPORAL_ACTIVITY_SLOTS, settings.TEMPORAL_WORKER_MEMORY = 20, 0.8
    settings.TEMPORAL_TASK_QUEUES = {"reports": {"slots": 2, "queue_rate": 10}}

    assert queues.limits_of("reports") == queues.Limits(slots=2, memory=0.8, queue_rate=10)
    assert queues.limits_of("any other") == queues.Limits(slots=20, memory=0.8)


def test_a_worker_keeps_the_limits_of_its_queue(temporal_client: Client, loop_thread: EventLoopThread) -> None:
    async def built(limits: queues.Limits) -> dict[str, Any]:
        worker = build_worker(temporal_client, task_queue=str(uuid4()), limits=limits)
        async with worker:
            return dict(worker.config())

    limited = loop_thread.run(built(queues.Limits(slots=3, memory=0.8, worker_rate=4, queue_rate=5)))
    free = loop_thread.run(built(queues.Limits(slots=3, memory=1)))

    slots = limited["tuner"]._get_activity_task_slot_supplier()
    assert isinstance(slots, ResourceBasedSlotSupplier)
    assert (slots.tuner_config.target_memory_usage, slots.slot_config.maximum_slots) == (0.8, 3)
    rates = ("max_activities_per_second", "max_task_queue_activities_per_second", "disable_eager_activity_execution")
    assert [limited[name] for name in rates] == [4, 5, True]
    assert free["tuner"]._get_activity_task_slot_supplier() == FixedSizeSlotSupplier(3)
    assert [free[name] for name in rates] == [None, None, False]


@pytest.mark.django_db
def test_what_is_started_for_a_tenant_on_a_shared_queue_carries_its_key(server: str) -> None:
    enqueue_start("batch_processing", {"batch_id": "any"}, workflow_id=(id_ := f"fair-{uuid4()}"), tenant="globex")
    deliver_due()

    async def ask(connected: Client) -> str:
        described = await connected.get_workflow_handle(id_).describe()
        return described.raw_description.workflow_execution_info.priority.fairness_key

    assert client.run(ask) == "globex"


def test_work_for_a_dedicated_queue_waits_for_a_worker_that_polls_it(
    temporal_client: Client, loop_thread: EventLoopThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, shared = f"shop-tenant-acme-{uuid4()}", f"shop-tasks-{uuid4()}"
    ran: list[str] = []

    @activity.defn
    def note() -> None:
        ran.append(activity.info().task_queue)

    monkeypatch.setattr(registry, "workflows", lambda: {"ProbeWorkflow": ProbeWorkflow})
    monkeypatch.setattr(registry, "activities", lambda: {"note": note})

    async def execute(queue: str) -> Coroutine[Any, Any, int]:
        handle = await temporal_client.start_workflow(ProbeWorkflow.run, args=["note", 1, 1], id=str(uuid4()), task_queue=queue)
        return handle.result()

    async def work() -> None:
        dedicated = await execute(own)
        async with build_worker(temporal_client, task_queue=shared):
            # What came later to the shared queue has been done, so this worker had its chance.
            for _ in range(5):
                await (await execute(shared))
            assert ran == [shared] * 5
        async with build_worker(temporal_client, task_queue=own):
            await dedicated

    loop_thread.run(work())

    assert ran == [shared] * 5 + [own]


def test_ten_activities_of_one_tenant_do_not_wait_for_ten_thousand_of_another(
    temporal_client: Client, loop_thread: EventLoopThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = f"shared-{uuid4()}"
    ran: list[str] = []

    @activity.defn
    def note() -> None:
        ran.append(activity.info().priority.fairness_key or "")

    monkeypatch.setattr(registry, "workflows", lambda: {"ProbeWorkflow": ProbeWorkflow})
    monkeypatch.setattr(registry, "activities", lambda: {"note": note})

    async def start(tenant: str, count: int) -> WorkflowHandle[Any, int]:
        fairly = Priority(fairness_key=queues.route(tenant, queue).fairness_key)
        return await temporal_client.start_workflow(
            ProbeWorkflow.run, args=["note", count, 1], id=f"{tenant}-{uuid4()}", task_queue=queue, priority=fairly
        )

    async def fill() -> tuple[list[WorkflowHandle[Any, int]], WorkflowHandle[Any, int]]:
        async with Worker(temporal_client, task_queue=queue, workflows=[ProbeWorkflow]):
            large = [await start("large", PER_EXECUTION) for _ in range(LARGE // PER_EXECUTION)]
            await _waiting(temporal_client, queue, LARGE)
            small = await start("small", SMALL)
            await _waiting(temporal_client, queue, LARGE + SMALL)
        return large, small

    async def work() -> None:
        large, small = await fill()
        async with build_worker(temporal_client, task_queue=queue, limits=queues.Limits(slots=5, memory=1)):
            await small.result()
        await asyncio.gather(*(handle.terminate() for handle in large))

    loop_thread.run(work(), 5 * PATIENCE)

    assert ran.count("small") == SMALL
    # Before the last of the small tenant: what is done while its workflow is told counts for nothing.
    assert ran[: len(ran) - ran[::-1].index("small")].count("large") < LARGE // 5


async def _waiting(client: Client, task_queue: str, count: int) -> None:
    """Until so many activities wait on the queue itself: those that are scheduled come there some moments later."""
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=task_queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
        report_stats=True,
    )

    async def waiting() -> int:
        try:
            answer = await client.workflow_service.describe_task_queue(request)
        except RPCError as error:
            if error.status not in BUSY:
                raise
            # With what is scheduled: it is asked again.
            return 0
        return answer.stats.approximate_backlog_count

    while await waiting() < count:  # noqa: ASYNC110  the server tells nobody
        await asyncio.sleep(0.5)
