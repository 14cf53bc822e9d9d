"""A workflow for this folder's tests. Not registered: the workers of the `probe` fixture alone know it."""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy


@workflow.defn
class ProbeWorkflow:
    """Runs one activity many times at once and gives the number of those that succeeded."""

    @workflow.run
    async def run(self, activity: str, times: int, attempts: int) -> int:
        policy = RetryPolicy(initial_interval=timedelta(seconds=0.05), backoff_coefficient=1, maximum_attempts=attempts)
        runs = [
            workflow.execute_activity(activity, start_to_close_timeout=timedelta(minutes=2), retry_policy=policy)
            for _ in range(times)
        ]
        results = await asyncio.gather(*runs, return_exceptions=True)
        return sum(not isinstance(result, BaseException) for result in results)


@workflow.defn
class Recorder:
    """Keeps the numbers that it is told, in their order, until `expected` have arrived. Refuses negative ones."""

    @workflow.init
    def __init__(self, expected: int) -> None:
        self.expected = expected
        self.numbers: list[int] = []

    @workflow.run
    async def run(self, expected: int) -> list[int]:
        await workflow.wait_condition(lambda: len(self.numbers) >= self.expected)
        return self.numbers

    @workflow.signal
    def note(self, number: int) -> None:
        self.numbers.append(number)

    @workflow.update
    def note_checked(self, number: int) -> int:
        self.numbers.append(number)
        return number

    @note_checked.validator
    def refuse_negative(self, number: int) -> None:
        if number < 0:
            raise ValueError(f"{number} is negative")
