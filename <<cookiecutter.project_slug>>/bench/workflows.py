"""The bench's workflows: as a user of the bare SDK would write them."""

import asyncio
from datetime import timedelta
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from bench.activities import chunk
    from bench.shared import ActivitiesInput, ChunkInput, ChunksInput

TIMEOUT = timedelta(minutes=5)
# Two chunks at once are the best for one worker: Python has one core, the database another.
WINDOW = 2


@workflow.defn(name="bench_activities")
class BenchActivities:
    """Runs activities and gives their results."""

    @workflow.run
    async def run(self, wanted: ActivitiesInput) -> list[Any]:
        """Sequential unless they are wanted together."""
        if wanted.together:
            return list(await asyncio.gather(*(self._once(wanted.activity) for _ in range(wanted.times))))
        return [await self._once(wanted.activity) for _ in range(wanted.times)]

    async def _once(self, name: str) -> Any:
        return await workflow.execute_activity(name, start_to_close_timeout=TIMEOUT)


@workflow.defn(name="bench_chunks")
class BenchChunks:
    """The shortest batch by chunks: ranges of primary keys, two at once."""

    @workflow.run
    async def run(self, wanted: ChunksInput) -> int:
        """Give the number of rows."""
        starts = iter(range(wanted.first, wanted.last + 1, wanted.size))
        return sum(await asyncio.gather(*(self._lane(starts, wanted) for _ in range(WINDOW))))

    async def _lane(self, starts: Any, wanted: ChunksInput) -> int:
        rows = 0
        for first in starts:
            last = min(first + wanted.size - 1, wanted.last)
            done = await workflow.execute_activity(
                chunk, ChunkInput(write=wanted.write, first=first, last=last), start_to_close_timeout=TIMEOUT
            )
            rows += done
        return rows


@workflow.defn(name="bench_row_by_row")
class BenchRowByRow:
    """The usual first try: an activity for each row, all at once."""

    @workflow.run
    async def run(self, wanted: ChunksInput) -> int:
        """Give the number of rows."""
        rows = (ChunkInput(write=wanted.write, first=key, last=key) for key in range(wanted.first, wanted.last + 1))
        return sum(await asyncio.gather(*(workflow.execute_activity(chunk, row, start_to_close_timeout=TIMEOUT) for row in rows)))
