"""The sandbox that workflow code runs in. A module that a workflow imports must be passed through by name, or loading fails.

So each import of an app inside a workflows.py stands in `with workflow.unsafe.imports_passed_through():`. What is listed
here is imported by the SDK's or the plugin's own code. An app's root package is never listed: that would pass its
workflows.py through, and with it the clock and the ORM, unnoticed.
"""

from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import SandboxImportNotificationPolicy

PASSED_THROUGH = ("pydantic", "pydantic_core", "annotated_types", "structlog", "opentelemetry", "sentry_sdk")


def sandboxed_runner() -> SandboxedWorkflowRunner:
    """The runner for every worker, test and replay of this project."""
    return SandboxedWorkflowRunner(
        restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH).with_import_notification_policy(
            SandboxImportNotificationPolicy.WARN_ON_DYNAMIC_IMPORT
            | SandboxImportNotificationPolicy.RAISE_ON_UNINTENTIONAL_PASSTHROUGH
        )
    )
