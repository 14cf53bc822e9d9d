"""Waiting for people, for any workflow: `class Contract(WaitsForPeople)`, then `answer = await self.answer_to(asked)`.

An answer is kept by the id of what it answers, however early it comes, so that no wait takes the answer to another.
"""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from apps.approvals.activities import expire_request, remind_people
    from apps.approvals.shared import Answer, ApprovalDecision, Asked, SignatureUpdate

ROWS = workflow.ActivityConfig(
    start_to_close_timeout=timedelta(seconds=30), retry_policy=RetryPolicy(maximum_interval=timedelta(minutes=1))
)


class WaitsForPeople:
    """What a workflow needs to be answered. Its own __init__, if it has one, calls this one's."""

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}

    @workflow.signal(name="approval_decision")
    def approval_decision(self, told: ApprovalDecision) -> None:
        """People have decided."""
        self.answers.setdefault(told.approval_id, told.decision)

    @workflow.signal(name="signature_update")
    def signature_update(self, told: SignatureUpdate) -> None:
        """Everyone has signed, or somebody will not."""
        self.answers.setdefault(told.signature_request_id, told.status)

    async def answer_to(self, asked: Asked) -> Answer:
        """Wait for the answer or for the end of its time, by timers of the server alone, and remind people meanwhile."""
        if asked.status:
            return Answer(id=asked.id, status=asked.status)
        for moment in (*asked.remind_at, asked.expires_at):
            if await self._answered(asked.id, (moment - workflow.now()).total_seconds()):
                return Answer(id=asked.id, status=self.answers[asked.id])
            if moment != asked.expires_at:
                await workflow.execute_activity(remind_people, asked.id, **ROWS)
        # A decision that was committed at the last moment counts: the row knows.
        return await workflow.execute_activity(expire_request, asked.id, **ROWS)

    async def _answered(self, asked_id: str, seconds: float) -> bool:
        if seconds > 0:
            try:
                await workflow.wait_condition(lambda: asked_id in self.answers, timeout=seconds)
            except TimeoutError:
                return False
        return asked_id in self.answers
