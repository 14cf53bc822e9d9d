"""A workflow for the tests of encryption. Not registered: the workers of those tests alone know it."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy


@workflow.defn
class SecretsWorkflow:
    """Has a word repeated once it was said twice, and gives back what came of it."""

    @workflow.init
    def __init__(self, word: str) -> None:
        self.said = ""

    @workflow.run
    async def run(self, word: str) -> str:
        await workflow.wait_condition(lambda: self.said == word)
        repeated: str = await workflow.execute_activity(
            "repeat_or_fail",
            word,
            result_type=str,
            start_to_close_timeout=timedelta(minutes=2),
            retry_policy=RetryPolicy(maximum_attempts=1),
        )
        return repeated

    @workflow.signal
    def say(self, word: str) -> None:
        """The word again, so that a signal's argument is in the history too."""
        self.said = word
