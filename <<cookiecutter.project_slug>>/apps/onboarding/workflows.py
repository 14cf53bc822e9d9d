"""The onboarding of a new user: the shortest complete example of a durable workflow."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from apps.notifications.activities import send_email_activity
    from apps.notifications.shared import EmailPayload
    from apps.onboarding.activities import follow_up_delay, process_user_activity
    from apps.onboarding.shared import (
        WORKFLOW,
        OnboardingResult,
        OnboardingWorkflowInput,
        UserProcessingPayload,
        follow_up_mail,
        onboarding_id,
        welcome_mail,
    )

ORM = workflow.ActivityConfig(
    start_to_close_timeout=timedelta(seconds=30),
    retry_policy=RetryPolicy(maximum_interval=timedelta(minutes=1)),
)
# A mail server may be away for hours; after a day of attempts the mail is no longer wanted.
MAIL = workflow.ActivityConfig(
    start_to_close_timeout=timedelta(minutes=1),
    schedule_to_close_timeout=timedelta(days=1),
    retry_policy=RetryPolicy(maximum_interval=timedelta(minutes=10)),
)
SETTING = workflow.LocalActivityConfig(
    start_to_close_timeout=timedelta(seconds=5),
    retry_policy=RetryPolicy(maximum_interval=timedelta(seconds=10)),
)


@workflow.defn(name=WORKFLOW)
class UserOnboardingWorkflow:
    """Check a new account, welcome its owner, wait a day, ask how it goes."""

    planned_tasks = ("process_user_activity", "send_email_activity", "send_email_activity")

    @workflow.init
    def __init__(self, wanted: OnboardingWorkflowInput) -> None:
        self.wanted = wanted
        self.step = "checking the account"

    @workflow.run
    async def run(self, wanted: OnboardingWorkflowInput) -> OnboardingResult:
        """Give the result when both mails are sent."""
        payload = UserProcessingPayload(user_id=wanted.user_id, action="check_profile")
        await workflow.execute_activity(process_user_activity, payload, **ORM)
        self.step = "sending the welcome mail"
        await self._send(welcome_mail(wanted, workflow.info().workflow_id))
        self.step = "waiting to follow up"
        await workflow.sleep(timedelta(seconds=await self._delay()), summary="until the follow-up mail")
        self.step = "sending the follow-up mail"
        await self._send(follow_up_mail(wanted, workflow.info().workflow_id))
        self.step = "completed"
        return OnboardingResult(user_id=wanted.user_id)

    @staticmethod
    def workflow_id(wanted: OnboardingWorkflowInput) -> str:
        """An account is onboarded once."""
        return onboarding_id(wanted.user_id)

    @workflow.query
    def current_step(self) -> str:
        """What it is doing now."""
        return self.step

    async def _delay(self) -> float:
        if self.wanted.follow_up_delay is not None:
            return self.wanted.follow_up_delay
        # A setting may change between a run and its replay, so it is read in an activity, whose result history keeps.
        return await workflow.execute_local_activity(follow_up_delay, **SETTING)

    async def _send(self, mail: EmailPayload) -> None:
        await workflow.execute_activity(send_email_activity, mail, **MAIL)
