"""How each kind of outbox message is told to Temporal, such that telling it twice has the effect of once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from temporalio.api.common.v1 import Payloads, WorkflowExecution
from temporalio.api.enums.v1 import UpdateWorkflowExecutionLifecycleStage as Stage
from temporalio.api.update.v1 import Input, Meta, Request, WaitPolicy
from temporalio.api.workflowservice.v1 import SignalWorkflowExecutionRequest, UpdateWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from apps.temporal.client import is_about_namespace, start
from apps.temporal.exceptions import Refused
from apps.temporal.models import OutboxMessage
from apps.temporal.operations import reset_run
from apps.temporal.queues import Route
from apps.temporal.tracing import continued

TIMEOUT = 5.0

type Sender = Callable[[Client, OutboxMessage], Awaitable[None]]


async def send(client: Client, message: OutboxMessage) -> None:
    """Tell the server, within TIMEOUT seconds.

    Raises Refused for what it will never take, RPCError or TimeoutError for what may pass.
    """
    try:
        with continued(message.payload.get("trace", {})):
            await asyncio.wait_for(SENDERS[message.kind](client, message), TIMEOUT)
    except RPCError as error:
        if is_final(error):
            raise Refused(f"Temporal refused the {message.kind} of {message.aggregate_id}: {error.message}.") from error
        raise


def is_final(error: RPCError) -> bool:
    """Whether asking again changes nothing. A namespace that is missing may be made any time."""
    if error.status is RPCStatusCode.NOT_FOUND:
        return not is_about_namespace(error)
    return error.status is RPCStatusCode.INVALID_ARGUMENT


async def _start(client: Client, message: OutboxMessage) -> None:
    wanted = message.payload
    where = Route(wanted["task_queue"], wanted["fairness_key"])
    await start(client, wanted["workflow"], wanted["argument"], workflow_id=message.aggregate_id, where=where)


async def _signal(client: Client, message: OutboxMessage) -> None:
    # Not handle.signal(), which makes up a request id at each call: the server drops a signal whose id it has seen.
    request = SignalWorkflowExecutionRequest(
        namespace=client.namespace,
        workflow_execution=WorkflowExecution(workflow_id=message.aggregate_id),
        signal_name=message.payload["name"],
        input=await _encoded(client, message),
        identity=client.identity,
        request_id=message.dedupe_key,
    )
    await client.workflow_service.signal_workflow_execution(request, retry=True)


async def _update(client: Client, message: OutboxMessage) -> None:
    # Not handle.start_update(), which does not tell a rejection from an acceptance.
    execution = WorkflowExecution(workflow_id=message.aggregate_id)
    request = UpdateWorkflowExecutionRequest(
        namespace=client.namespace,
        workflow_execution=execution,
        request=Request(
            meta=Meta(update_id=message.dedupe_key, identity=client.identity),
            input=Input(name=message.payload["name"], args=await _encoded(client, message)),
        ),
        wait_policy=WaitPolicy(lifecycle_stage=Stage.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ACCEPTED),
    )
    answer = await client.workflow_service.update_workflow_execution(request, retry=True)
    if answer.outcome.HasField("failure"):
        reason = await client.data_converter.decode_failure(answer.outcome.failure)
        raise Refused(f"{message.aggregate_id} rejected the update {message.payload['name']}: {reason}.")
    if answer.stage < Stage.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ACCEPTED:
        raise TimeoutError


async def _cancel(client: Client, message: OutboxMessage) -> None:
    await _unless_gone(client.get_workflow_handle(message.aggregate_id).cancel())


async def _terminate(client: Client, message: OutboxMessage) -> None:
    await _unless_gone(client.get_workflow_handle(message.aggregate_id).terminate(reason=message.payload["reason"]))


async def _reset(client: Client, message: OutboxMessage) -> None:
    wanted = message.payload
    await reset_run(client, message.aggregate_id, reason=wanted["reason"], to=wanted["to"], run_id=wanted["run_id"])


async def _unless_gone(request: Awaitable[Any]) -> None:
    """An execution that has ended, or never was, has nothing left to stop."""
    try:
        await request
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND or is_about_namespace(error):
            raise


async def _encoded(client: Client, message: OutboxMessage) -> Payloads:
    argument = message.payload["argument"]
    return Payloads(payloads=[] if argument is None else await client.data_converter.encode([argument]))


# Apps above this one add theirs when they are ready.
SENDERS: dict[str, Sender] = {
    OutboxMessage.Kind.START: _start,
    OutboxMessage.Kind.SIGNAL: _signal,
    OutboxMessage.Kind.UPDATE: _update,
    OutboxMessage.Kind.CANCEL: _cancel,
    OutboxMessage.Kind.TERMINATE: _terminate,
    OutboxMessage.Kind.RESET: _reset,
}
