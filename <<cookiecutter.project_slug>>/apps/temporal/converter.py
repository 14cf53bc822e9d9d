"""What cannot be sent fails what sends it, at once and with a sentence: the SDK would try it again for ever."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticPayloadConverter, pydantic_data_converter
from temporalio.exceptions import ApplicationError

# The server's own limit for one payload: https://docs.temporal.io/self-hosted-guide/defaults
MAX_PAYLOAD = 2 * 2**20


class StrictPayloadConverter(PydanticPayloadConverter):
    """Pydantic's converter, whose refusals are final: the activity or workflow that is at fault fails."""

    def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
        """The values as JSON. Raises ApplicationError for those that have none, or too much of it."""
        try:
            payloads = super().to_payloads(values)
        except (TypeError, ValueError) as error:
            reason = f"Send plain values, dataclasses or pydantic models, and give such back: {error}."
            raise ApplicationError(reason, type="NotSerializable", non_retryable=True) from error
        if (size := sum(len(payload.data) for payload in payloads)) > MAX_PAYLOAD:
            reason = f"A payload has {size / 2**20:.1f} MiB and Temporal takes 2: store it and send its key."
            raise ApplicationError(reason, type="PayloadTooLarge", non_retryable=True)
        return payloads


strict_data_converter = replace(pydantic_data_converter, payload_converter_class=StrictPayloadConverter)
