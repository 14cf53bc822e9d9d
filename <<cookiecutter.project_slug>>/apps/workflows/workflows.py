"""One workflow runs every version of every definition: it walks from step to step, and waits where a step waits.

The definition is its input, so that later edits change nothing for it. It always begins at the first step: what succeeded in
an earlier attempt gives at once what it gave then.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError, ChildWorkflowError, WorkflowAlreadyStartedError

with workflow.unsafe.imports_passed_through():
    from apps.approvals.waiting import WaitsForPeople
    from apps.executions.shared import said
    from apps.temporal.conf import MEMO
    from apps.workflows.activities import (
        ask_people,
        begin_child,
        begin_wait,
        choose_next,
        close_step,
        do_items,
        finish_items,
        is_same_attempt,
        plan_items,
        run_step,
    )
    from apps.workflows.shared import WORKFLOW, CloseInput, DefinedInput, ItemsInput, PlaceInput, StepInput, StepSpec

# Notes in the database, each by one local activity: they add an event, not three.
NOTE = workflow.LocalActivityConfig(
    start_to_close_timeout=timedelta(seconds=10), retry_policy=RetryPolicy(maximum_interval=timedelta(seconds=30))
)
LONGEST_RETRY, LONGEST_PART = timedelta(minutes=5), timedelta(days=7)
# A step says every other second that its worker lives; a part of a list does so after each item.
SILENCE, BETWEEN_ITEMS = timedelta(seconds=10), timedelta(seconds=5)


@workflow.defn(name=WORKFLOW)
class DefinedWorkflow(WaitsForPeople):
    """Do what people have defined, step by step."""

    # Its input is a whole definition, which nobody is to make up who starts one.
    is_internal = True
    resumes_by_itself = True

    @workflow.init
    def __init__(self, wanted: DefinedInput) -> None:
        super().__init__()
        self.wanted = wanted
        self.steps = wanted.definition.by_key
        self.current = wanted.definition.steps[0].key
        self.at_work: list[asyncio.Task[None]] = []

    @workflow.run
    async def run(self, wanted: DefinedInput) -> dict[str, str]:
        """Give the key of the last step. Raises what made a step fail."""
        if wanted.at and await self._is_same_attempt(wanted.at):
            self.current = wanted.at
        while True:
            step = self.steps[self.current]
            await self._do(step)
            following = await self._following(step)
            if not following:
                return {"status": "completed", "last_step": step.key}
            self.current = following
            self._continue_if_long()

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
            case "workflow":
                await self._run_other(step)
            case "each":
                await self._do_items(step)
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

    async def _run_other(self, step: StepSpec) -> None:
        child = await workflow.execute_activity(begin_child, self._input(step), **_config(step))
        policy = workflow.ParentClosePolicy.TERMINATE if child.is_awaited else workflow.ParentClosePolicy.ABANDON
        try:
            if not child.is_done:
                running = await workflow.start_child_workflow(
                    child.workflow,
                    child.argument,
                    id=child.workflow_id,
                    task_queue=child.task_queue,
                    memo=MEMO,
                    parent_close_policy=policy,
                )
                if child.is_awaited:
                    await running
        except (ChildWorkflowError, WorkflowAlreadyStartedError) as error:
            if workflow.cancellation_reason() is not None:
                raise
            has_ended = child.is_awaited and isinstance(error, ChildWorkflowError)
            await self._close(step, asked_id=child.workflow_id, status=said(error), is_child=has_ended)
            raise ApplicationError(f"{step.name}: {said(error)}", type="WorkflowFailed", non_retryable=True) from error
        await self._close(step, asked_id=child.workflow_id, is_child=child.is_awaited and not child.is_done)

    async def _do_items(self, step: StepSpec) -> None:
        planned = await workflow.execute_activity(plan_items, self._input(step), **_items_config(step, step.key))
        try:
            for part in planned.parts:
                await self._finish_parts(down_to=planned.at_once - 1)
                if workflow.info().is_continue_as_new_suggested():
                    await self._finish_parts(down_to=0)
                    self._continue_if_long()
                self.at_work.append(asyncio.create_task(self._do_part(step, part)))
            await self._finish_parts(down_to=0)
        except BaseException:
            await self._stop_parts()
            raise
        await workflow.execute_local_activity(finish_items, self._input(step), **NOTE)

    async def _do_part(self, step: StepSpec, part: int) -> None:
        wanted = ItemsInput(execution_id=self.wanted.execution_id, step=step, part=part)
        await workflow.execute_activity(do_items, wanted, **_items_config(step, f"{step.key}-{part}"))

    async def _finish_parts(self, *, down_to: int) -> None:
        """Wait until at most so many parts are at work."""
        while len(self.at_work) > down_to:
            done, self.at_work = await workflow.wait(self.at_work, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()

    async def _stop_parts(self) -> None:
        """Let what is at work come to the end of its item."""
        for task in self.at_work:
            task.cancel()
        if self.at_work:
            await asyncio.shield(workflow.wait(self.at_work))

    def _continue_if_long(self) -> None:
        """Go on in a new run with an empty history. Raises ContinueAsNewError."""
        if workflow.info().is_continue_as_new_suggested():
            workflow.continue_as_new(replace(self.wanted, at=self.current))

    async def _is_same_attempt(self, at: str) -> bool:
        place = PlaceInput(execution_id=self.wanted.execution_id, at=at)
        return await workflow.execute_local_activity(is_same_attempt, place, **NOTE)

    async def _close(self, step: StepSpec, *, asked_id: str = "", status: str = "success", is_child: bool = False) -> None:
        wanted = CloseInput(
            execution_id=self.wanted.execution_id, key=step.key, asked_id=asked_id, status=status, is_child=is_child
        )
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
        activity_id=step.key,
        start_to_close_timeout=timedelta(seconds=step.timeout),
        heartbeat_timeout=SILENCE,
        retry_policy=policy,
    )


def _items_config(step: StepSpec, activity_id: str) -> workflow.ActivityConfig:
    """A part has time for all its items; its worker is given up for dead when one item takes longer than the step's timeout."""
    return _config(step) | workflow.ActivityConfig(
        activity_id=activity_id,
        start_to_close_timeout=LONGEST_PART,
        heartbeat_timeout=timedelta(seconds=step.timeout) + BETWEEN_ITEMS,
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    )
