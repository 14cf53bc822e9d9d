"""What people can do to an execution from its page, in the order of the buttons: their words, what they ask for, who does it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from django import forms

from apps.executions import services
from apps.executions.forms import NeededReasonForm, ReasonForm, ResetForm
from apps.executions.models import Execution


@dataclass(frozen=True)
class Action:
    """`name` stands on its button, `says` on its page, `done` above the execution afterwards."""

    name: str
    says: str
    done: str
    form: type[forms.Form]
    run: Callable[..., Execution]


ACTIONS: Final[Mapping[str, Action]] = {
    "start": Action(
        "Start", "It begins as soon as a worker is free.", "It starts as soon as Temporal takes it.", forms.Form,
        services.start_execution,
    ),
    "reset": Action(
        "Try again", "It is tried again on this page, as a new attempt. What it did before stays to be seen.",
        "It is tried again.", ResetForm, services.reset_execution,
    ),
    "cancel": Action(
        "Cancel", "It is asked to stop, and may clean up before it does.", "It was asked to stop.", ReasonForm,
        services.cancel_execution,
    ),
    "terminate": Action(
        "Terminate", "It ends at once, wherever it is, without cleaning up. Cancel it instead wherever that is enough.",
        "It was terminated.", NeededReasonForm, services.terminate_execution,
    ),
}  # fmt: skip
