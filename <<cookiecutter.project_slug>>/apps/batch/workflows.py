"""A batch over many rows: bounded history, bounded memory, one bad row never stops it."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from apps.batch.activities import close_batch, open_batch, plan_ranges, process_range
    from apps.batch.shared import (
        RANGE_SIZE,
        WINDOW,
        WORKFLOW,
        BatchProcessingWorkflowInput,
        BatchProgress,
        BatchResult,
        Carried,
        CloseBatchInput,
        ClosedBatch,
        Key,
        OpenBatchInput,
        PlanInput,
        RangeInput,
        RangeResult,
        RowQuery,
        batch_workflow_id,
    )

ORM = workflow.ActivityConfig(
    start_to_close_timeout=timedelta(minutes=5),
    retry_policy=RetryPolicy(maximum_interval=timedelta(minutes=1)),
)
# A plan heartbeats at each bound, a range after each chunk: 30 s of silence mean that their worker died.
PLAN = workflow.ActivityConfig(
    start_to_close_timeout=timedelta(minutes=5),
    heartbeat_timeout=timedelta(seconds=30),
    retry_policy=RetryPolicy(maximum_interval=timedelta(minutes=1)),
)
RANGE = workflow.ActivityConfig(
    start_to_close_timeout=timedelta(hours=1),
    heartbeat_timeout=timedelta(seconds=30),
    retry_policy=RetryPolicy(maximum_interval=timedelta(minutes=1)),
    cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)


@workflow.defn(name=WORKFLOW)
class BatchProcessingWorkflow:
    """Do one action to every row, some ranges at a time, and say how many went well."""

    internal_fields = ("carried",)

    @workflow.init
    def __init__(self, wanted: BatchProcessingWorkflowInput) -> None:
        self.wanted = wanted
        carried = wanted.carried
        self.started_at = carried.started_at if carried else workflow.info().workflow_start_time
        self.total = carried.total if carried else 0
        self.succeeded = carried.succeeded if carried else 0
        self.failed = carried.failed if carried else 0
        self.next_range = carried.next_range if carried else 0
        self.in_flight: list[asyncio.Task[RangeResult]] = []

    @workflow.run
    async def run(self, wanted: BatchProcessingWorkflowInput) -> BatchResult:
        """Give the figures once every row was tried. A cancel lets chunks at work finish, records what was done and ends."""
        try:
            if wanted.carried is None:
                self.total = await self._open()
            if wanted.rows is None:
                await self._process_listed()
            else:
                await self._process_described(wanted.rows, wanted.carried.after if wanted.carried else None)
        except (asyncio.CancelledError, Exception) as error:
            await self._stop("canceled" if is_cancelled_exception(error) else "failed")
            raise
        closed = await self._close("completed")
        return BatchResult(
            batch_id=wanted.batch_id,
            total=self.total,
            succeeded=closed.succeeded,
            failed=closed.failed,
            failures=closed.failures,
            duration=(workflow.now() - self.started_at).total_seconds(),
        )

    @staticmethod
    def workflow_id(wanted: BatchProcessingWorkflowInput) -> str:
        """A batch is run once."""
        return batch_workflow_id(wanted.batch_id)

    @workflow.query
    def progress(self) -> BatchProgress:
        """Rows of finished ranges. The database has every committed chunk."""
        return BatchProgress(total=self.total, succeeded=self.succeeded, failed=self.failed, ranges_in_flight=len(self.in_flight))

    async def _process_listed(self) -> None:
        ids = sorted(set(self.wanted.user_ids))
        for start in range(0, len(ids), RANGE_SIZE):
            await self._begin(
                RangeInput(batch_id=self.wanted.batch_id, number=self.next_range, user_ids=ids[start : start + RANGE_SIZE])
            )
        await self._finish(down_to=0)

    async def _process_described(self, rows: RowQuery, after: Key | None) -> None:
        complete = False
        while not complete:
            plan = await workflow.execute_activity(plan_ranges, PlanInput(rows=rows, after=after), **PLAN)
            for upto in plan.bounds:
                await self._begin(
                    RangeInput(batch_id=self.wanted.batch_id, number=self.next_range, rows=rows, after=after, upto=upto)
                )
                after = upto
                if workflow.info().is_continue_as_new_suggested():
                    await self._continue(upto)
            complete = plan.complete
        await self._finish(down_to=0)

    async def _begin(self, wanted: RangeInput) -> None:
        """Put one range to work as soon as the window has room."""
        await self._finish(down_to=WINDOW - 1)
        self.next_range += 1
        self.in_flight.append(asyncio.create_task(workflow.execute_activity(process_range, wanted, **RANGE)))

    async def _finish(self, *, down_to: int) -> None:
        """Wait until at most so many ranges are at work."""
        while len(self.in_flight) > down_to:
            done, self.in_flight = await workflow.wait(self.in_flight, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                result = task.result()
                self.succeeded += result.succeeded
                self.failed += result.failed

    async def _continue(self, after: Key) -> None:
        """Go on in a new run with an empty history. Raises ContinueAsNewError."""
        await self._finish(down_to=0)
        carried = Carried(
            started_at=self.started_at,
            total=self.total,
            succeeded=self.succeeded,
            failed=self.failed,
            next_range=self.next_range,
            after=after,
        )
        workflow.continue_as_new(replace(self.wanted, carried=carried))

    async def _open(self) -> int:
        wanted = OpenBatchInput(
            batch_id=self.wanted.batch_id,
            action=self.wanted.action,
            rows=self.wanted.rows,
            user_count=len(set(self.wanted.user_ids)),
        )
        return await workflow.execute_activity(open_batch, wanted, **ORM)

    async def _stop(self, status: str) -> None:
        """Let what is at work come to its end, then record the end, even when cancelled."""
        for task in self.in_flight:
            task.cancel()
        if self.in_flight:
            await workflow.wait(self.in_flight)
        await asyncio.shield(self._close(status))

    async def _close(self, status: str) -> ClosedBatch:
        return await workflow.execute_activity(close_batch, CloseBatchInput(batch_id=self.wanted.batch_id, status=status), **ORM)
