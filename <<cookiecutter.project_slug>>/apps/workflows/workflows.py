"""One workflow runs every version of every definition: it walks from step to step, and waits where a step waits.

The definition is its input, so that later edits change nothing for it. It always begins at the first step: what succeeded in
an earlier attempt gives at once what it gave then.
"""

from dataclasses import replace
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from apps.approvals.waiting import WaitsForPeople
    from apps.workflows.activities import ask_people, begin_wait, choose_next, close_step, run_step
    from apps.workflows.shared import WORKFLOW, CloseInput, DefinedInput, StepInput, StepSpec

# Notes in the database, each by one local activity: they add an event, not three.
NOTE = workflow.LocalActivityConfig(
    start_to_close_timeout=timedelta(seconds=10), retry_policy=RetryPolicy(maximum_interval=timedelta(seconds=30))
)
LONGEST_RETRY = timedelta(minutes=5)


@workflow.defn(name=WORKFLOW)
class DefinedWorkflow(WaitsForPeople):
    """Do what people have defined, step by step."""

    resumes_by_itself = True

    @workflow.init
    def __init__(self, wanted: DefinedInput) -> None:
        super().__init__()
        self.wanted = wanted
        self.steps = wanted.definition.by_key
        self.current = wanted.at or wanted.definition.steps[0].key

    @workflow.run
    async def run(self, wanted: DefinedInput) -> dict[str, str]:
        """Give the key of the last step. Raises what made a step fail."""
        while True:
            step = self.steps[self.current]
            await self._do(step)
            following = await self._following(step)
            if not following:
                return {"status": "completed", "last_step": step.key}
            self.current = following
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(replace(self.wanted, at=self.current))

    @workflow.query
    def current_step(self) -> str:
        """The key of the step that it is at."""
        return self.current

    async def _do(self, step: StepSpec) -> None:
        match step.flow:
            case "people":
                await self._ask(step)
            case "wait":
                await self._wait(step)
            case "route":
                pass
            case _:
                await workflow.execute_activity(run_step, self._input(step), **_config(step))

    async def _ask(self, step: StepSpec) -> None:
        asked = await workflow.execute_activity(ask_people, self._input(step), **_config(step))
        answer = await self.answer_to(asked)
        await self._close(step, asked_id=asked.id, status=answer.status)
        if not answer.is_good:
            raise ApplicationError(f"{step.name}: {answer.status}", type=answer.status.capitalize(), non_retryable=True)

    async def _wait(self, step: StepSpec) -> None:
        until = await workflow.execute_local_activity(begin_wait, self._input(step), **NOTE)
        seconds = (until.moment - workflow.now()).total_seconds()
        if seconds > 0:
            await workflow.sleep(seconds)
        await self._close(step)

    async def _close(self, step: StepSpec, *, asked_id: str = "", status: str = "success") -> None:
        wanted = CloseInput(execution_id=self.wanted.execution_id, key=step.key, asked_id=asked_id, status=status)
        await workflow.execute_local_activity(close_step, wanted, **NOTE)

    async def _following(self, step: StepSpec) -> str:
        if not step.next:
            return ""
        if len(step.next) == 1 and not step.next[0].condition and step.flow != "route":
            return step.next[0].to
        return await workflow.execute_local_activity(choose_next, self._input(step), **NOTE)

    def _input(self, step: StepSpec) -> StepInput:
        return StepInput(execution_id=self.wanted.execution_id, step=step)


def _config(step: StepSpec) -> workflow.ActivityConfig:
    policy = RetryPolicy(
        initial_interval=timedelta(seconds=step.first_retry), maximum_interval=LONGEST_RETRY, maximum_attempts=step.attempts
    )
    return workflow.ActivityConfig(
        activity_id=step.key, start_to_close_timeout=timedelta(seconds=step.timeout), retry_policy=policy
    )
