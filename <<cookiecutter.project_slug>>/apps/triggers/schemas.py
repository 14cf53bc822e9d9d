"""What the API of the triggers takes and gives: api.py is about how."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from ninja import Field, FilterSchema, Schema
from pydantic import WithJsonSchema

from apps.triggers.models import Trigger, TriggerEvent

# Written out: of two components called Status, the API's document would keep one.
EventStatus = Annotated[TriggerEvent.Status, WithJsonSchema({"type": "string", "enum": list(TriggerEvent.Status.values)})]
Overlap = Annotated[Trigger.Overlap, WithJsonSchema({"type": "string", "enum": list(Trigger.Overlap.values)})]
Name = Annotated[str, Field(min_length=1, max_length=100)]


class TriggerKindOut(Schema):
    """A kind of trigger, and the JSON Schema of what it must be told. What is there in any case is never made."""

    kind: str
    title: str
    description: str
    config_schema: dict[str, Any]
    is_there_in_any_case: bool = False


class TriggerIn(Schema):
    """What is to start which workflow. `overlap` is what happens while an execution that it started has not ended."""

    workflow: UUID
    kind: str
    name: Name
    config: dict[str, Any] = {}
    overlap: Overlap = Trigger.Overlap.ALLOW
    enabled: bool = True


class TriggerChange(Schema):
    """What is to be different. What is left out stays."""

    name: Name | None = None
    config: dict[str, Any] | None = None
    overlap: Overlap | None = None
    enabled: bool | None = None


class TriggerFilters(FilterSchema):
    """Which triggers."""

    workflow: UUID | None = Field(None, description="Those of one workflow.")


class TriggerOut(Schema):
    """A trigger, and when it last started its workflow."""

    id: UUID
    workflow: UUID = Field(validation_alias="workflow_id")
    kind: str
    name: str
    config: dict[str, Any]
    overlap: Overlap
    enabled: bool
    last_fired_at: datetime | None
    fired_count: int
    last_error: str
    created_at: datetime


class TriggerDetail(TriggerOut):
    """A trigger with its next times, none while Temporal is away.

    `address` is where deliveries go: of a webhook, a form or mails. It and the `key` that signs are for those who may change it.
    """

    next_times: list[datetime] | None = []
    address: str = ""
    key: str = ""
    keeps_previous: bool = Field(description="Whether the key before counts, too.")


class TriggerEventOut(Schema):
    """One time that it was to start its workflow, and why it did not if it did not."""

    event_id: str
    status: EventStatus
    execution_id: UUID | None
    error: str
    received_at: datetime


class FireIn(Schema):
    """What it brings: what reaches the steps as trigger.data."""

    data: Any = None


class FiredOut(Schema):
    """What came of it: started, skipped while it is paused or another one runs, or refused."""

    status: EventStatus
    execution_id: UUID | None = None
    error: str = ""
